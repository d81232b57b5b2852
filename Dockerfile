# Two images from one file:
#   docker build .                     the sidecar: what serve needs, and nothing else
#   docker build --target emulator .   AWS on one port, for development; never for production
#
# Written without BuildKit's extensions, so that the older builder can read it too.

ARG PYTHON_IMAGE=python:3.13-slim-trixie


# --- pip, kept out of the images that are shipped -------------------------------------------------
FROM ${PYTHON_IMAGE} AS tools
# For a package index of your own; the address stays in this stage.
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ONLY_BINARY=:all:
# Certificates (*.crt) of a proxy that inspects TLS, if there is one: see docs/docker.md.
COPY deploy/build-ca/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
COPY requirements/build.txt /build/
RUN python3 -m venv /tools \
 && /tools/bin/pip install --require-hashes -r /build/build.txt
# The environments that will be shipped hold no pip; this one installs into them.
RUN python3 -m venv --without-pip /opt/sidecar
ENV PIP_PYTHON=/opt/sidecar/bin/python3 \
    COMPILE="python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash"


FROM tools AS wheel
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY sidecar/ sidecar/
RUN /tools/bin/python3 -m hatchling build -t wheel -d /wheels


# --- one environment for each image ---------------------------------------------------------------
# Dependencies come before the program, so that a change in the program neither fetches nor
# compiles them again.
# Bytecode is made here because the file system is read-only later, and by content instead of by
# time stamp, because copying between stages may change time stamps.
FROM tools AS emulator-environment
COPY requirements/demo.txt /build/
RUN /tools/bin/pip install --require-hashes -r /build/demo.txt \
 && $COMPILE /opt/sidecar/lib
COPY --from=wheel /wheels/ /wheels/
RUN /tools/bin/pip install --no-index --no-deps /wheels/*.whl \
 && $COMPILE /opt/sidecar/lib/python3*/site-packages/sidecar

FROM tools AS sidecar-environment
COPY requirements/runtime.txt /build/
RUN /tools/bin/pip install --require-hashes -r /build/runtime.txt \
 && $COMPILE /opt/sidecar/lib
COPY --from=wheel /wheels/ /wheels/
RUN /tools/bin/pip install --no-index --no-deps /wheels/*.whl \
 && $COMPILE /opt/sidecar/lib/python3*/site-packages/sidecar


# --- what both images share -----------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
# A name for `ls` and `getpass`; the number is what compose, Kubernetes and volumes go by.
# The two directories exist so that a new volume mounted there belongs to that user.
RUN echo 'sidecar:x:65532:' >> /etc/group \
 && echo 'sidecar:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && install -d -o 65532 -g 65532 -m 0700 /var/lib/sidecar /run/sidecar
# Python's images ship their library without bytecode, which would be compiled anew at each start
# and each health check (measured: 0.8 s and 0.2 s of processor time; this costs 13 MB).
RUN python3 -m compileall -q -x '/(site|dist)-packages/|/test/' \
      "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
ENV PATH=/opt/sidecar/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY deploy/probe.py /usr/local/bin/probe
# A checkout under a strict umask must not take it from the user below.
RUN chmod 0755 /usr/local/bin/probe
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["sidecar"]


FROM runtime AS emulator
LABEL org.opencontainers.image.title="credential-sidecar emulator" \
      org.opencontainers.image.description="AWS on one local port, for development and tests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=emulator-environment /opt/sidecar/ /opt/sidecar/
USER 0
COPY deploy/prepare_demo.py /usr/local/bin/prepare-demo
RUN chmod 0755 /usr/local/bin/prepare-demo
USER 65532:65532
EXPOSE 4566
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["probe", "http://127.0.0.1:4566/_emulator/health"]
CMD ["emulator", "--host", "0.0.0.0", "--port", "4566"]


FROM runtime AS sidecar
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="credential-sidecar" \
      org.opencontainers.image.description="Temporary AWS credentials and cached secrets over localhost" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=sidecar-environment /opt/sidecar/ /opt/sidecar/
# Alive, not ready: an outage at AWS is no reason to restart a sidecar that serves from memory.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["probe", "http://127.0.0.1:9913/healthz"]
CMD ["serve"]
