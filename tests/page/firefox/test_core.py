# ruff: noqa: F401
"""Firefox: the core of the page's tests once more, the very same functions, with this folder's fixtures."""

import pytest

from tests.page.test_accessibility import (
    test_alt_keys_play_and_seek,
    test_escape_closes_what_is_open_before_it_stops,
    test_speaking_by_keys_alone_leaves_the_focus_where_one_writes,
)
from tests.page.test_document import (
    test_a_dialogue_asks_once_for_the_voice_of_each_name,
    test_a_key_puts_a_pause_where_one_writes_and_undo_takes_it_back,
    test_a_name_without_a_voice_is_said_by_the_documents_and_not_by_the_name_before,
    test_a_paragraph_asked_for_meanwhile_comes_first_and_the_others_are_made_all_the_same,
    test_a_reload_while_it_speaks_keeps_what_was_made_and_it_goes_on_from_there,
    test_after_a_break_only_the_rest_is_made,
    test_an_edit_makes_only_its_paragraph_stale_and_only_that_is_made_again,
    test_another_document_leaves_the_one_before_in_the_history,
    test_entries_of_the_history_have_names_and_are_found,
    test_leaving_while_something_is_made_is_asked_about,
    test_make_again_asks_for_that_paragraph_and_the_take_before_comes_back,
    test_playing_from_the_history_touches_nothing_that_is_written,
    test_the_arrow_keys_go_from_paragraph_to_paragraph,
    test_the_marked_text_lies_where_the_written_one_does,
    test_two_tabs_do_not_write_over_each_other,
    test_what_is_stopped_and_begun_again_at_once_goes_on,
)
from tests.page.test_files import (
    test_a_file_can_be_chosen_and_what_was_written_is_in_the_history,
    test_a_file_that_is_dropped_becomes_the_document,
    test_books_are_read_in_the_page,
)
from tests.page.test_jobs import (
    test_a_job_has_the_chapters_and_voices_of_the_document,
    test_a_job_is_heard_in_the_player,
    test_a_job_is_saved_with_its_chapters,
    test_a_long_document_can_be_left_to_the_service_and_another_browser_finds_it,
    test_the_list_follows_a_job_without_asking_again,
)
from tests.page.test_long_document import (
    test_a_key_in_a_document_of_thousands_touches_the_paragraph_it_is_in,
    test_the_blocks_have_the_height_of_the_box,
)
from tests.page.test_panels import (
    test_a_text_that_is_cleared_can_be_had_back,
    test_history_deletes_with_undo,
    test_history_plays_reuses_downloads_and_survives_a_reload,
    test_the_text_is_there_after_a_reload,
)
from tests.page.test_player import (
    test_faster_playing_keeps_words_and_pitch_and_asks_for_nothing,
    test_player_text_and_notice_never_cover_each_other,
    test_sentences_forth_and_back_across_paragraphs,
    test_the_tab_tells_the_state,
)
from tests.page.test_speaking import (
    test_a_click_on_a_word_goes_there,
    test_each_format_is_downloaded,
    test_half_a_speech_can_be_downloaded,
    test_pause_holds_the_position_and_play_goes_on,
    test_stop_ends_the_sound_and_keeps_what_was_made,
    test_the_meters_tell_words_seconds_pace_and_first_sound,
    test_the_wave_can_be_moved_along_by_keys,
    test_volume_and_mute,
)
from tests.page.test_states import (
    test_a_busy_server_is_asked_again_at_the_time_it_told,
    test_a_double_click_is_one_press,
)

pytestmark = pytest.mark.slow
