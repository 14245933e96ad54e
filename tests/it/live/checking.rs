//! Every wrong event is named with its line and field, and harms no other.

use daybook::live::batch::Batch;

use super::{kinds, noon};

/// The field and the error of the one line that is wrong.
fn refused(line: &str) -> (String, String) {
    let mut batch = Batch::default();
    let good = r#"{"kind": "checkout", "labels": {"shop": "zh"}}"#;
    for (at, line) in [good, line, good].iter().enumerate() {
        batch.add_line(at + 1, line.as_bytes(), &kinds(), noon());
    }
    let reply = batch.reply();
    assert_eq!(reply.accepted, 2, "{line}");
    let [rejected] = &reply.rejected[..] else {
        panic!("{line} was taken");
    };
    assert_eq!(rejected.line, 2);
    (rejected.field.clone(), rejected.error.clone())
}

#[test]
fn an_error_says_which_field_and_what_was_expected() {
    let checkout =
        |rest: &str| format!(r#"{{"kind": "checkout", "labels": {{"shop": "zh"}}, {rest}}}"#);
    for (line, field, error) in [
        (r#"{"labels": {}}"#.to_owned(), "kind", "missing"),
        (r#"{"kind": "chekout"}"#.to_owned(), "kind", "no kind `chekout`; did you mean `checkout`?"),
        (r#"{"kind": "checkout"}"#.to_owned(), "labels.shop", "missing"),
        (r#"{"kind": "checkout", "labels": {"shop": "bern"}}"#.to_owned(), "labels.shop", "`bern` is not one of its values"),
        (r#"{"kind": "checkout", "labels": {"shop": "zh", "metod": "card"}}"#.to_owned(), "labels.metod", "`checkout` has no such label; did you mean `method`?"),
        (r#"{"kind": "checkout", "labels": {"shop": ["zh"]}}"#.to_owned(), "labels.shop", "expected text"),
        (checkout(r#""values": {"duration": -1}"#), "values.duration", "-1 is below 0"),
        (checkout(r#""values": {"duration": "12"}"#), "values.duration", "expected a number, found text: a text belongs into a label"),
        (checkout(r#""values": {"amount": 1e300}"#), "values.amount", "is too large"),
        (checkout(r#""values": {"amont": 1}"#), "values.amont", "`checkout` has no such value; did you mean `amount`?"),
        (checkout(r#""ok": "yes""#), "ok", "expected true or false"),
        (checkout(r#""valeus": {}"#), "valeus", "unknown field; did you mean `values`?"),
        (checkout(r#""id": """#), "id", "0 bytes, expected 1 to 256"),
        (checkout(r#""at": "yesterday""#), "at", "expected a moment such as 2026-11-20T19:41:42.281+01:00, or seconds since 1970"),
        (checkout(r#""at": "2026-11-20T12:06:00+01:00""#), "at", "more than 5 minutes ahead: check the sender's clock"),
        (checkout(r#""at": "2026-11-13T10:59:59Z""#), "at", "more than 7d ago: `checkout` takes no older events"),
        (checkout(r#""details": {"text": "0123456789012345678901234567890123456789012345678901234"}"#), "details", "66 bytes, at most 64"),
        (r#"{"kind": "session", "labels": {"session_id": "a"}, "details": 1}"#.to_owned(), "details", "`session` keeps none: set `details = { bytes = … }`"),
        (r#"{"kind": "session", "labels": {"session_id": "a"}, "ok": true}"#.to_owned(), "ok", "only a span goes well or not, and `session` is none"),
        (r#"{"kind": "filter", "labels": {"session_id": "a", "reason": "spam"}, "values": {"message_length": 3}}"#.to_owned(), "labels.reason", "`spam` is not one of its values"),
        (r#"{"kind": "correction", "labels": {"session_id": "a", "correction_type": "rejection", "admin_user_id": 7}, "values": {"admin_satisfaction": 99}}"#.to_owned(), "values.admin_satisfaction", "99 is above 5"),
        (r#"{"kind": "system", "labels": {"metric_type": "queue"}}"#.to_owned(), "values.value", "missing"),
        (r#"{"kind": "checkout", "labels": {"sho"#.to_owned(), "", "not valid JSON"),
        ("[1]".to_owned(), "", "expected an object"),
        (r#"{"kind": "system", "labels": {"metric_type": "queue"}, "values": {"value": NaN}}"#.to_owned(), "", "not valid JSON"),
    ] {
        let (found, why) = refused(&line);
        assert_eq!(found, field, "{line}: {why}");
        assert!(why.contains(error), "{line}\n{why}\n{error}");
    }
}

#[test]
fn a_number_of_the_library_that_is_none_is_refused_alone() {
    use daybook::live::event::Event;
    let mut batch = Batch::default();
    for (at, number) in [1.5, f64::NAN, f64::INFINITY].into_iter().enumerate() {
        let event = Event::new("system")
            .label("metric_type", "queue")
            .value("value", number);
        batch.add(at, &event, &kinds(), noon());
    }
    let reply = batch.reply();
    assert_eq!((reply.accepted, reply.rejected.len()), (1, 2));
    assert_eq!(
        reply.rejected[0].error,
        "NaN is not a number that can be counted"
    );
}

#[test]
fn of_a_thousand_refused_events_a_hundred_are_listed_and_the_others_counted() {
    let mut batch = Batch::default();
    for line in 0..1000 {
        batch.add_line(line, b"{}", &kinds(), noon());
    }
    let reply = batch.reply();
    assert_eq!((reply.rejected.len(), reply.more_rejected), (100, 900));
}
