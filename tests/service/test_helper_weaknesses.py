"""Each known weakness of aws_signing_helper, and the tests against it.

The weaknesses are those of its version 1.8 and of its public issues. For its IMDS server there are
those of other programs that imitate IMDS too.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

SERVE = {
    "a failed start is discarded, and empty credentials are served as a success": {
        "service/test_start.py": [
            "test_it_starts_while_aws_is_down_says_why_and_gets_ready_by_itself",
        ],
        "web/test_credentials_door.py": [
            "test_after_a_failed_start_nobody_waits_and_the_reason_is_told",
        ],
    },
    "a failed renewal overwrites good credentials with empty ones": {
        "service/test_outage.py": [
            "test_the_last_session_is_served_until_it_expires_and_not_longer",
        ],
        "providers/test_refreshing_failures.py": [
            "test_the_last_good_session_is_served_until_it_expires_and_not_longer",
        ],
    },
    "requests at the same moment make a session each": {
        "service/test_start.py": [
            "test_a_crowd_at_a_cold_start_is_answered_by_one_session",
        ],
        "providers/test_refreshing.py": [
            "test_there_is_one_flight_at_a_time",
        ],
    },
    "the request that finds the session old waits for the new one": {
        "service/test_outage.py": [
            "test_while_aws_fails_what_is_held_is_served_without_waiting",
        ],
        "providers/test_refreshing_failures.py": [
            "test_while_a_renewal_hangs_the_last_session_is_served",
        ],
    },
    "a signal ends it with exit code 2 and cuts requests off": {
        "service/test_process.py": [
            "test_a_signal_lets_requests_under_way_finish_and_ends_with_0",
        ],
    },
    "there is no health or readiness to ask for": {
        "service/test_start.py": [
            "test_it_is_ready_only_when_what_shall_be_prefetched_is_held",
        ],
    },
    "it serves one role": {
        "service/test_chained_roles.py": [
            "test_the_door_hands_out_a_chained_role_with_everything_that_was_asked_for",
        ],
    },
    "any name of a role is answered": {
        "web/test_credentials_door.py": [
            "test_an_app_gets_its_own_roles_only",
        ],
    },
    "whoever reaches the port is served, whatever the Host header says": {
        "web/test_credentials_door.py": [
            "test_without_exactly_one_known_token_there_is_nothing",
        ],
        "web/test_guards.py": [
            "test_strange_requests_are_refused_in_the_doors_own_words",
        ],
    },
    "answers are text/plain, their times local and with fractions": {
        "web/test_credentials_door.py": [
            "test_headers_are_those_that_sdks_and_browsers_need",
            "test_moments_have_whole_seconds_and_the_zone_letter",
        ],
    },
}

UPDATE = {
    "any failure ends it": {
        "cli/test_update.py": [
            "test_failures_of_aws_are_waited_out",
            "test_a_file_that_is_broken_meanwhile_is_written_when_it_is_mended",
        ],
    },
    "the file is truncated in place, and readers can see half of it": {
        "credentials_file/test_crashes.py": [
            "test_a_writer_killed_at_any_line_leaves_the_old_file_or_the_new",
            "test_writers_that_crowd_each_other_lose_nothing_and_no_reader_sees_a_part",
        ],
    },
    "two processes at once spoil the file": {
        "cli/test_update.py": [
            "test_two_at_once_for_two_profiles_both_land",
        ],
    },
    "the directory is made without the right to enter it": {
        "credentials_file/test_rewrite.py": [
            "test_a_missing_file_is_made_for_its_owner_only_and_so_are_its_directories",
        ],
    },
    "last lines and headers are dropped or doubled": {
        "credentials_file/test_edit.py": [
            "test_an_edit_changes_what_it_must_and_nothing_else",
            "test_every_other_line_keeps_its_bytes_and_its_place",
        ],
    },
}

KEYS = {
    "key, certificate and chain are read one by one, and a mixture is used": {
        "identity/held/test_reading.py": [
            "test_what_was_read_while_it_was_written_is_not_vouched_for",
        ],
        "identity/held/test_refusals.py": [
            "test_a_pair_that_does_not_match_is_never_used",
        ],
        "identity/held/test_interleavings.py": [
            "test_no_request_fails_and_no_mismatched_pair_signs_whatever_is_interleaved",
        ],
    },
    "a file that cannot be read ends the process": {
        "service/test_reload.py": [
            "test_neither_a_signal_nor_files_that_cannot_be_read_end_the_process",
        ],
        "identity/held/test_refusals.py": [
            "test_files_that_are_taken_away_leave_the_identity_in_use",
            "test_a_half_written_file_never_replaces_a_good_one",
        ],
    },
    "the algorithm is that of the key at the start": {
        "identity/held/test_replacement.py": [
            "test_a_key_of_another_kind_brings_its_own_algorithm",
        ],
        "service/test_reload.py": [
            "test_certificates_are_replaced_under_load_without_a_failed_request_or_a_restart",
        ],
    },
    "nothing checks that key and certificate belong together": {
        "test_preflight.py": [
            "test_a_key_that_does_not_belong_to_the_certificate_is_refused",
        ],
    },
    "nothing checks that the certificate is valid": {
        "test_preflight.py": [
            "test_an_expired_certificate_is_refused",
        ],
        "identity/held/test_refusals.py": [
            "test_a_certificate_that_is_not_valid_now_is_not_used",
        ],
        "service/test_reload.py": [
            "test_an_expired_certificate_is_not_sent_to_aws_and_readyz_names_the_reason",
        ],
    },
    "a replaced certificate gets no session before the old one is nearly over": {
        "service/test_reload.py": [
            "test_a_session_is_renewed_within_seconds_of_a_replacement_and_not_otherwise",
        ],
    },
    "of a full-chain file only the first certificate is used, as it comes": {
        "identity/test_load.py": [
            "test_the_leaf_is_found_by_its_key_wherever_it_stands",
            "test_the_chain_runs_from_the_leafs_issuer_upwards_without_the_root",
        ],
    },
    "what a token holds is read at the start only": {
        "identity/held/test_refusals.py": [
            "test_a_token_is_not_tried_again_without_being_asked",
        ],
    },
    "a password is an argument that everybody can read, or typed": {
        "test_preflight.py": [
            "test_an_encrypted_key_is_opened_by_its_password",
            "test_a_password_in_a_variable_opens_the_key_and_nobody_is_asked",
        ],
    },
}

METADATA = {
    "a PUT without a TTL gets a token of six hours": {
        "web/metadata/test_tokens.py": [
            "test_without_a_ttl_in_range_there_is_no_token",
        ],
    },
    "a PUT that was forwarded is 400, after which SDKs give up": {
        "web/metadata/test_tokens.py": [
            "test_what_came_through_a_proxy_is_refused",
        ],
    },
    "of 256 tokens the oldest is thrown out, and printed": {
        "web/metadata/test_tokens.py": [
            "test_the_first_of_hundreds_of_tokens_is_still_good",
        ],
        "web/metadata/test_audit.py": [
            "test_no_audit_line_and_no_refusal_holds_a_token",
        ],
        "canary/test_no_secret_is_told.py": [
            "test_no_line_of_output_at_level_debug_tells_a_secret",
        ],
    },
    "the header with the TTL is set after the body, and lost": {
        "web/metadata/test_answers.py": [
            "test_every_answer_tells_how_long_the_token_is_still_good",
        ],
    },
    "the metadata service has no region, no document and no profile": {
        "web/metadata/test_answers.py": [
            "test_values_and_listings_are_served_with_and_without_slashes",
            "test_the_document_tells_what_is_known",
            "test_the_instance_profile_is_told",
        ],
    },
    "a role list with a slash at its end is redirected": {
        "web/metadata/test_answers.py": [
            "test_values_and_listings_are_served_with_and_without_slashes",
        ],
    },
    "the renewal is in the way of the request": {
        "web/metadata/test_answers.py": [
            "test_answers_come_from_memory",
        ],
    },
}

METADATA_OF_OTHERS = {
    "aws-vault speaks IMDSv1 only": {
        "web/metadata/test_tokens.py": [
            "test_without_a_valid_token_every_path_is_the_same_401",
        ],
        "clients/test_imds.py": [
            "test_an_unmodified_client_is_the_role",
        ],
    },
    "aws-vault answers 401 to another Host": {
        "web/metadata/test_tokens.py": [
            "test_another_host_is_refused_with_a_status_that_stops_sdks",
        ],
    },
    "weep gives tokens of any TTL": {
        "web/metadata/test_tokens.py": [
            "test_without_a_ttl_in_range_there_is_no_token",
        ],
        "access/test_imds_token.py": [
            "test_any_other_ttl_is_refused_and_not_repeated",
        ],
    },
    "weep computes the remaining TTL backwards": {
        "access/test_imds_token.py": [
            "test_what_is_left_is_told_in_whole_seconds_and_never_too_much",
        ],
    },
    "weep looks for the Host and the referrer where they never are": {
        "web/metadata/test_tokens.py": [
            "test_another_host_is_refused_with_a_status_that_stops_sdks",
            "test_a_web_page_gets_no_token",
        ],
    },
    "weep serves expired credentials": {
        "web/metadata/test_answers.py": [
            "test_an_expired_or_empty_set_is_never_served_as_success",
        ],
    },
    "aws-runas has a constant for a token, and checks it nowhere": {
        "web/metadata/test_tokens.py": [
            "test_without_a_valid_token_every_path_is_the_same_401",
        ],
        "access/test_imds_token.py": [
            "test_a_token_with_any_byte_changed_is_refused",
        ],
    },
    "aws-runas mixes up the roles of profiles": {
        "web/metadata/test_answers.py": [
            "test_a_reload_that_changes_the_app_changes_what_is_served",
        ],
    },
    "imds-credential-server sends 405 for every error": {
        "web/metadata/test_answers.py": [
            "test_other_paths_are_refused_and_the_remaining_ttl_told",
        ],
        "web/metadata/test_tokens.py": [
            "test_another_method_is_told_the_right_one",
        ],
    },
    "aws-export-credentials leaves out the code, without which Go's SDK fails": {
        "web/metadata/test_answers.py": [
            "test_credentials_are_what_every_sdk_can_read",
        ],
    },
}

WEAKNESSES = {**SERVE, **UPDATE, **KEYS, **METADATA, **METADATA_OF_OTHERS}


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_a_weakness_of_the_signing_helper_has_its_tests(weakness: str) -> None:
    for file, names in WEAKNESSES[weakness].items():
        tree = ast.parse((TESTS / file).read_text())
        functions = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert set(names) <= functions, file
