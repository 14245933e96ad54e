//! What a Redis server is sent and what it answers, byte by byte.

use std::collections::HashMap;

use daybook::live::redis::wire::{Answers, Commands, HIDDEN, Reading, Scored, Unexpected, command};
use proptest::prelude::*;

/// Answers that come in these pieces.
fn in_pieces(count: usize, pieces: &[&[u8]]) -> Result<Option<Answers>, Unexpected> {
    let mut answers = Answers::begun(count, Vec::new());
    for piece in pieces {
        answers.room().extend_from_slice(piece);
        if answers.are_whole()? {
            return Ok(Some(answers));
        }
    }
    Ok(None)
}

fn whole(count: usize, bytes: &str) -> Answers {
    in_pieces(count, &[bytes.as_bytes()]).unwrap().unwrap()
}

#[test]
fn parts_go_behind_their_lengths() {
    let mut commands = Commands::default();
    commands.add(command("SET").arg("ü").number(-5));
    let at_once = Commands::default().add_at_once(&commands).bytes().to_vec();
    let set = "*3\r\n$3\r\nSET\r\n$2\r\nü\r\n$2\r\n-5\r\n";
    assert_eq!(commands.bytes(), set.as_bytes());
    let all = format!("*1\r\n$5\r\nMULTI\r\n{set}*1\r\n$4\r\nEXEC\r\n");
    assert_eq!(String::from_utf8(at_once).unwrap(), all);
}

#[test]
fn every_sort_of_answer_is_read() {
    let answers = whole(
        8,
        "+OK\r\n:-7\r\n$-1\r\n$0\r\n\r\n*2\r\n$4\r\na\r\nb\r\n:1\r\n*-1\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$4\r\n-inf\r\n*0\r\n",
    );
    let mut read = answers.read();
    assert_eq!(read.take::<String>().unwrap(), "OK");
    assert_eq!(read.take::<i64>().unwrap(), -7);
    assert_eq!(read.take::<Option<i64>>().unwrap(), None);
    assert_eq!(read.take::<Option<String>>().unwrap(), Some(String::new()));
    assert_eq!(
        read.take::<(String, u64)>().unwrap(),
        ("a\r\nb".to_owned(), 1)
    );
    assert_eq!(read.take::<Option<Vec<u8>>>().unwrap(), None);
    let Scored(scored) = read.take().unwrap();
    assert_eq!(scored, [("a".to_owned(), 3), ("b".to_owned(), i64::MIN)]);
    assert_eq!(
        read.take::<HashMap<String, String>>().unwrap(),
        HashMap::new()
    );
}

#[test]
fn an_error_within_a_list_is_told_in_the_servers_words() {
    let answers = whole(2, "*3\r\n:1\r\n-WRONGTYPE no hash\r\n:2\r\n+next\r\n");
    let said = answers.read().take::<()>().unwrap_err();
    assert_eq!(said, Unexpected::Said("WRONGTYPE no hash".to_owned()));
    let answers = whole(4, "+OK\r\n-NOPERM no\r\n-EXECABORT lost\r\n+next\r\n");
    let said = answers.of_transaction(1).unwrap_err();
    assert_eq!(said, Unexpected::Said("NOPERM no".to_owned()));
}

#[test]
fn what_is_not_as_expected_is_an_error() {
    let read = |bytes: &str, take: fn(&mut Reading<'_>) -> bool| {
        assert!(take(&mut whole(1, bytes).read()), "{bytes:?}");
    };
    read(":5\r\n", |read| read.take::<String>().is_err());
    read("$3\r\n1.5\r\n", |read| read.take::<i64>().is_err());
    read(":-1\r\n", |read| read.take::<u64>().is_err());
    read("*1\r\n:1\r\n", |read| read.take::<(i64, i64)>().is_err());
    read("*2\r\n:1\r\n:2\r\n", |read| read.fields().is_err());
    read("+OK\r\n", |read| read.skip(2).is_err());
    for garbage in [
        "HTTP/1.1 400 Bad Request\r\n",
        "$x\r\n",
        "*-2\r\n",
        "$99999999999\r\n",
    ] {
        let said = in_pieces(1, &[garbage.as_bytes()]).unwrap_err();
        assert!(
            matches!(&said, Unexpected::Said(said) if said.starts_with("it does not speak as Redis does: `")),
            "{said:?}"
        );
    }
}

#[test]
fn a_full_server_that_refuses_a_transaction_has_answered_one_by_one() {
    let answers = whole(
        4,
        "-OOM command not allowed\r\n:1\r\n$1\r\na\r\n-ERR EXEC without MULTI\r\n",
    );
    let answers = answers.of_transaction(2).unwrap();
    let mut read = answers.read();
    assert_eq!(read.take::<i64>().unwrap(), 1);
    assert_eq!(read.take::<String>().unwrap(), "a");
}

#[test]
fn an_error_that_repeats_a_secret_is_told_in_other_words() {
    let mut answers = whole(2, "-ERR you said hush\r\n-ERR quiet\r\n");
    answers.hide(|said| said.ends_with(b"hush"));
    let mut read = answers.read();
    let said = [(); 2].map(|()| match read.take::<()>() {
        Err(Unexpected::Said(said)) => said,
        other => panic!("{other:?}"),
    });
    assert_eq!(said, [HIDDEN, "ERR quiet"]);
}

#[test]
fn no_line_and_no_text_may_be_endless() {
    let line = [b"+".to_vec(), vec![b'a'; 70_000]].concat();
    assert!(in_pieces(1, &[&line]).is_err());
    assert!(in_pieces(1, &[b"$268435457\r\n"]).is_err());
    let error = [b"-ERR ".to_vec(), vec![b'a'; 60_000], b"\r\n".to_vec()].concat();
    let answers = in_pieces(1, &[&error]).unwrap().unwrap();
    let Err(Unexpected::Said(said)) = answers.read().take::<()>() else {
        panic!("no error")
    };
    assert!(said.len() < 400, "{}", said.len());
}

/// Any answer, as the server writes it.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let text = proptest::collection::vec(any::<u8>(), 0..20);
    let leaf = prop_oneof![
        Just(b"$-1\r\n".to_vec()),
        any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
        text.prop_map(|text| {
            let head = format!("${}\r\n", text.len()).into_bytes();
            [head, text, b"\r\n".to_vec()].concat()
        }),
    ];
    leaf.prop_recursive(3, 30, 5, |inner| {
        proptest::collection::vec(inner, 0..5).prop_map(|parts| {
            let head = format!("*{}\r\n", parts.len()).into_bytes();
            [head, parts.concat()].concat()
        })
    })
}

proptest! {
    #[test]
    fn answers_are_whole_with_their_last_byte(
        answers in proptest::collection::vec(answer(), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = answers.concat();
        let (begin, end) = bytes.split_at(cut.index(bytes.len()));
        prop_assert!(in_pieces(answers.len(), &[begin]).unwrap().is_none());
        let read = in_pieces(answers.len(), &[begin, end]).unwrap().unwrap();
        prop_assert!(read.read().skip(answers.len()).is_ok());
        prop_assert!(read.read().skip(answers.len() + 1).is_err());
        let by_byte: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert!(in_pieces(answers.len(), &by_byte).unwrap().is_some());
    }

    #[test]
    fn whatever_comes_is_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let begun = [b"*3\r\n".as_slice(), &bytes].concat();
        if let Ok(Some(read)) = in_pieces(1, &[&begun]) {
            drop(read.read().take::<HashMap<String, i64>>());
        }
    }
}
