//! The outbox: whole files, readable by those they are for, in place of whatever was there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use daybook::deliver::outbox::write;
use daybook::render::html::Picture;
use daybook::render::mail::Mail;

use super::{accepted, put_off};

const EML: &[u8] = b"Subject: [ok] Beryl\r\n\r\nfine\r\n";

fn mail() -> Mail {
    Mail {
        subject: "[ok] Beryl".to_owned(),
        html: "<img src=\"cid:trend-1\"><img src=\"cid:trend-12\">".to_owned(),
        text: "Beryl\nfine\n".to_owned(),
        pictures: vec![picture("trend-1", b"one"), picture("trend-12", b"twelve")],
        csv: None,
    }
}

fn picture(name: &str, png: &[u8]) -> Picture {
    Picture {
        name: name.to_owned(),
        png: png.to_vec(),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_report_is_three_files_and_its_page_needs_no_other() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path().join("new/outbox");
    let page = folder.join("2025-10-03.html");
    let reply = page.display().to_string();
    assert_eq!(write(&folder, "2025-10-03", &mail(), EML), accepted(&reply));
    let expected = ["2025-10-03.eml", "2025-10-03.html", "2025-10-03.txt"];
    assert_eq!(names(&folder), expected);
    // `one` and `twelve` in base64.
    let html =
        "<img src=\"data:image/png;base64,b25l\"><img src=\"data:image/png;base64,dHdlbHZl\">";
    assert_eq!(fs::read_to_string(&page).unwrap(), html);
    assert_eq!(fs::read(folder.join("2025-10-03.eml")).unwrap(), EML);
    let text = fs::read_to_string(folder.join("2025-10-03.txt")).unwrap();
    assert_eq!(text, "Beryl\nfine\n");
    for name in expected {
        assert_eq!(mode(&folder.join(name)) & !0o640, 0, "{name}");
    }
    assert_eq!(mode(&folder) & !0o750, 0);
}

#[test]
fn rows_that_the_page_has_no_room_for_lie_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut mail = mail();
    mail.csv = Some("key,value\n".to_owned());
    write(folder.path(), "2025-10-03.open", &mail, EML);
    let csv = fs::read_to_string(folder.path().join("2025-10-03.open.csv")).unwrap();
    assert_eq!(csv, "key,value\n");
    assert_eq!(names(folder.path()).len(), 4);
}

#[test]
fn a_later_report_replaces_the_earlier_and_links_are_not_followed() {
    let world = tempfile::tempdir().unwrap();
    let folder = world.path().join("outbox");
    fs::create_dir(&folder).unwrap();
    let precious = world.path().join("precious");
    fs::write(&precious, "untouched").unwrap();
    symlink(&precious, folder.join("2025-10-03.html")).unwrap();
    symlink("nowhere", folder.join("2025-10-03.eml")).unwrap();
    fs::write(folder.join("2025-10-03.txt"), "an older and longer report").unwrap();
    write(&folder, "2025-10-03", &mail(), EML);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "untouched");
    for ending in ["html", "eml", "txt"] {
        let path = folder.join(format!("2025-10-03.{ending}"));
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{ending}");
    }
    let text = fs::read_to_string(folder.join("2025-10-03.txt")).unwrap();
    assert_eq!(text, "Beryl\nfine\n");
    assert_eq!(names(&folder).len(), 3);
    assert_eq!(names(world.path()), ["outbox", "precious"]);
}

#[test]
fn a_reader_who_has_the_old_file_open_keeps_it_whole() {
    use std::io::Read;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2025-10-03.txt");
    fs::write(&path, "old").unwrap();
    let mut open = fs::File::open(&path).unwrap();
    write(folder.path(), "2025-10-03", &mail(), EML);
    let mut seen = String::new();
    open.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "old");
}

#[test]
fn where_nothing_can_be_written_the_path_and_the_reason_are_told_and_nothing_is_left() {
    let world = tempfile::tempdir().unwrap();
    let file = world.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let below = file.join("outbox");
    let expected = format!(
        "cannot create the folder {}: Not a directory (os error 20)",
        below.display()
    );
    let attempt = write(&below, "2025-10-03", &mail(), EML);
    assert_eq!(attempt, put_off(&expected));

    let folder = world.path().join("outbox");
    let taken = folder.join("2025-10-03.txt");
    fs::create_dir_all(&taken).unwrap();
    let attempt = write(&folder, "2025-10-03", &mail(), EML);
    let expected = format!(
        "cannot write {}: Is a directory (os error 21)",
        taken.display()
    );
    assert_eq!(attempt, put_off(&expected));
    // The page comes last, so a reply that names it is never given for half a report.
    assert_eq!(names(&folder), ["2025-10-03.eml", "2025-10-03.txt"]);
}

#[test]
fn what_a_crash_left_unfinished_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let pid = std::process::id();
    let left = folder
        .path()
        .join(format!(".2025-10-03.eml.{pid}.unfinished"));
    fs::write(&left, "half a mes").unwrap();
    write(folder.path(), "2025-10-03", &mail(), EML);
    assert_eq!(fs::read(folder.path().join("2025-10-03.eml")).unwrap(), EML);
    assert_eq!(names(folder.path()).len(), 3);
}
