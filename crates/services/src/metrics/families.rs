//! The families, with their names, labels and what they say.

use super::{Families, Metrics};

impl Metrics {
    pub(super) fn new() -> Self {
        let mut of = Families::default();
        Self {
            broker_received: of.counters(
                "kitecity_broker_messages_received_total",
                &["class", "channel"],
                "Messages the embedded broker took, by the sender's class and the channel; `other` = another protocol.",
            ),
            broker_received_bytes: of.counters(
                "kitecity_broker_received_bytes_total",
                &["class", "channel"],
                "Bytes of their topics and payloads.",
            ),
            broker_delivered: of.counters(
                "kitecity_broker_messages_delivered_total",
                &["class", "channel"],
                "Messages the embedded broker delivered, once for each receiver, by the receiver's class.",
            ),
            broker_delivered_bytes: of.counters(
                "kitecity_broker_delivered_bytes_total",
                &["class", "channel"],
                "Bytes of their topics and payloads.",
            ),
            client_queue_full: of.counters(
                "kitecity_client_queue_full_total",
                &["class"],
                "Messages that found the queue of their client full: a `service` tries again, those of a `device` or a `foreign` one are lost.",
            ),
            client_refused: of.counters(
                "kitecity_client_messages_lost_total",
                &["class"],
                "Messages of clients that expired in the queue, cannot be sent, or were refused by the broker.",
            ),
            dead_letters: of.counters(
                "kitecity_dead_letters_total",
                &["consumer"],
                "Messages a role of this process could not understand or refused.",
            ),
            dead_letters_untold: of.counters(
                "kitecity_dead_letters_untold_total",
                &["consumer"],
                "Those of them beyond the first 1,000 of a role, which are not published on `dlq/…`.",
            ),
            outbox: of.gauges(
                "kitecity_outbox_messages",
                &["role"],
                "Messages of a role that wait for room in its client's queue; at most 250,000.",
            ),
            outbox_dropped: of.counters(
                "kitecity_outbox_dropped_total",
                &["role"],
                "Messages dropped because a role's outbox was full.",
            ),
            questions_refused: of.counter(
                "kitecity_questions_refused_total",
                "Questions of pages and programs that found no room among those that wait to be sent.",
            ),
            questions_unanswered: of.counter(
                "kitecity_questions_unanswered_total",
                "Questions of pages and programs that no service answered in time.",
            ),
            journal_commits: of.counter("kitecity_journal_commits_total", "Commits of the journal."),
            journal_failures: of.counter(
                "kitecity_journal_commit_failures_total",
                "Commits that failed; nothing said to their entries left the city.",
            ),
            journal_entries: of.histogram(
                "kitecity_journal_commit_entries",
                1.0,
                12,
                "Entries in one commit of the journal, of all roles together.",
            ),
            journal_commit: of.histogram(
                "kitecity_journal_commit_seconds",
                0.000_25,
                16,
                "How long a commit of the journal took, its fsync included.",
            ),
            verifications: of.counters(
                "kitecity_verifications_total",
                &["verdict"],
                "Codes verified, as the console hears of them: `accepted`, or the code of the refusal.",
            ),
            settlements: of.counters(
                "kitecity_settlements_total",
                &["outcome"],
                "Settlements, as the console hears of them: `settled`, `reversed`, `released`, or the code of the refusal.",
            ),
            role_up: of.gauges(
                "kitecity_role_up",
                &["role"],
                "1 if a role of this process is on the bus and at work, as `/readyz` sees it, else 0.",
            ),
            role_entries: of.gauges(
                "kitecity_role_entries",
                &["role", "store"],
                "What a role of this process keeps: the CMS' `pending_commands`, the verifier's `used_codes`.",
            ),
            role_entries_max: of.gauges(
                "kitecity_role_entries_max",
                &["role", "store"],
                "How much of it a role keeps at most.",
            ),
            http_requests: of.counters(
                "kitecity_http_requests_total",
                &["route", "method", "status"],
                "HTTP requests answered; `none` = nothing is served there.",
            ),
            http_latency: of.histograms(
                "kitecity_http_request_seconds",
                &["route"],
                (0.000_25, 16),
                "From the head of a request to the head of its answer.",
            ),
            http_connections_refused: of.counter(
                "kitecity_http_connections_refused_total",
                "HTTP connections closed because there were too many, of one client or of all.",
            ),
            http_rate_limited: of.counter(
                "kitecity_http_rate_limited_total",
                "HTTP requests answered with 429 because their client asks too fast.",
            ),
            http_timeouts: of.counter(
                "kitecity_http_timeouts_total",
                "HTTP requests answered with 408 because they, or their answer, took too long.",
            ),
            listeners_refused: of.counter(
                "kitecity_sse_listeners_refused_total",
                "Browsers that could not listen to events because 64 do already.",
            ),
            listeners_lagged: of.counter(
                "kitecity_sse_lagged_total",
                "Times a browser was too slow for the events, and was told everything anew.",
            ),
            pairings_refused: of.counters(
                "kitecity_pairings_refused_total",
                &["reason"],
                "PINs of phones refused: `wrong`, or `locked` after too many wrong ones.",
            ),
            forgotten: of.counters(
                "kitecity_forgotten_total",
                &["store"],
                "Entries of a full store that made room for newer ones: `idempotency_keys`, `phones`, `bills`, `paired_devices`.",
            ),
            families: of,
        }
    }
}
