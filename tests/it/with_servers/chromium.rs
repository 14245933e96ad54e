//! Reports as a browser shows them: nothing is wider than the screen, no picture is missing; and the previews.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub(super) mod browser;

use std::fs;
use std::path::{Path, PathBuf};

use daybook::locale::{Language, Locale};
use daybook::render::html;
use daybook::render::mail::{Mail, mail};
use daybook::render::view::View;
use serde_json::Value;

use crate::{sample_letters, sample_views};
use browser::{Frame, Screen};

const PHONE: u32 = 360;
const DESKTOP: u32 = 640;
/// The desktop with some room around the report.
const WINDOW: u32 = 720;

#[test]
fn a_report_is_never_wider_than_the_screen_and_lacks_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let views = sample_views::all().into_iter();
    let views = views.map(|(name, view)| (format!("view_{name}"), laid_out(view)));
    let mails: Vec<_> = letters().into_iter().chain(views).collect();
    for width in [PHONE, DESKTOP] {
        let pages = mails.iter().map(|(name, mail)| {
            let page = folder.path().join(format!("{name}.html"));
            fs::write(&page, mail.standalone_html()).unwrap();
            Frame::low(page, width)
        });
        let measured = measured(&pages.collect::<Vec<_>>());
        for ((name, mail), measured) in mails.iter().zip(&measured) {
            assert_eq!(measured["width"], width, "{name} at {width}: {measured}");
            assert_eq!(measured["missing"], 0, "{name} at {width}");
            assert_eq!(measured["images"], mail.pictures.len(), "{name} at {width}");
            let wide = measured["wide"].as_array().unwrap();
            assert!(wide.is_empty(), "{name} at {width}: {wide:#?}");
        }
    }
}

#[test]
#[ignore = "makes pictures to look at: make preview"]
fn previews() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/preview");
    // Pictures of letters that are no more would be looked at too.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let mails = letters();
    let frames = mails.iter().map(|(name, mail)| {
        let with = folder.join(format!("{name}.html"));
        let without = folder.join(format!("{name}-no-pictures.html"));
        fs::write(&with, mail.standalone_html()).unwrap();
        fs::write(&without, &mail.html).unwrap();
        [(&with, WINDOW), (&with, PHONE), (&without, WINDOW)]
            .map(|(page, width)| Frame::low(page.clone(), width))
    });
    let mut frames: Vec<Frame> = frames.flatten().collect();
    let heights = measured(&frames);
    for (frame, measured) in frames.iter_mut().zip(heights) {
        let height = measured["height"].as_u64().unwrap();
        frame.height = u32::try_from(height).unwrap().min(6000);
    }
    for ((name, _), frames) in mails.iter().zip(frames.chunks(3)) {
        let shoot = |shade: &str, frames: &[Frame]| {
            let to = folder.join(format!("{name}-{shade}.png"));
            let screen = Screen {
                dark: shade == "dark",
                ..browser::screen_of(frames)
            };
            let sheet = browser::sheet(frames, "");
            browser::picture(&sheet, screen, &to);
            fs::remove_file(sheet).unwrap();
        };
        shoot("light", frames);
        // The others have no colour that these lack.
        if ["critical", "quiet", "failed_tables", "failed_night"].contains(&name.as_str()) {
            shoot("dark", &frames[..2]);
        }
    }
}

/// Letters as they are sent, each kind of verdict in German too.
fn letters() -> Vec<(String, Mail)> {
    let german = Locale {
        language: Language::German,
        ..Locale::default()
    };
    let letters = sample_letters::all().into_iter();
    let english = letters.map(|(name, letter)| (name.to_owned(), mail(&letter, Locale::default())));
    let names = [
        "first_night",
        "quiet",
        "critical",
        "open",
        "failed_tables",
        "failed_night",
    ];
    let german = names.map(|name| {
        let letter = sample_letters::named(name);
        (format!("{name}_german"), mail(&letter, german))
    });
    english.chain(german).collect()
}

fn laid_out(view: View) -> Mail {
    let page = html::page(&view);
    Mail {
        subject: view.subject,
        html: page.html,
        text: String::new(),
        pictures: page.pictures,
        csv: None,
    }
}

/// Writes what each frame's page measured into the title.
const MEASURE: &str = "<script>onload=()=>{\
const measured=frame=>{const page=frame.contentDocument,root=page.documentElement;\
return{width:root.scrollWidth,height:root.scrollHeight,images:page.images.length,\
missing:[...page.images].filter(image=>!image.naturalWidth).length,\
wide:[...page.querySelectorAll('body *')].filter(e=>e.getBoundingClientRect().right>frame.clientWidth+0.5).map(e=>e.outerHTML.slice(0,80))}};\
document.title=JSON.stringify([...document.querySelectorAll('iframe')].map(measured))}</script>";

/// What the pages say of themselves, all in one window.
fn measured(frames: &[Frame]) -> Vec<Value> {
    let sheet: PathBuf = browser::sheet(frames, MEASURE);
    let dom = browser::dom(&sheet, browser::screen_of(frames));
    fs::remove_file(sheet).unwrap();
    let title = dom
        .split("<title>")
        .nth(1)
        .and_then(|rest| rest.split("</title>").next());
    let title = title.unwrap_or_else(|| panic!("nothing was measured: {dom}"));
    let json = title
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    serde_json::from_str(&json).unwrap()
}
