//! Reports as a browser shows them: nothing is wider than the screen, no picture is missing; and the previews.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod browser;

use std::fs;
use std::path::{Path, PathBuf};

use daybook::render::html;
use daybook::render::mail::{Mail, mail};
use daybook::render::view::View;
use daybook::voice::{Language, Voice};

use crate::{sample_letters, sample_views};
use browser::Screen;

const PHONE: u32 = 360;
const DESKTOP: u32 = 640;

/// Writes what a page measured into its title.
const MEASURE: &str = "<script>onload=()=>{const page=document.documentElement;\
const wide=[...document.querySelectorAll('body *')].filter(e=>e.getBoundingClientRect().right>innerWidth+0.5).map(e=>e.outerHTML.slice(0,80));\
const missing=[...document.images].filter(i=>!i.naturalWidth).length;\
document.title=JSON.stringify({width:page.scrollWidth,images:document.images.length,missing,wide});\
if(parent!==window)parent.document.title=document.title}</script></body>";

#[test]
fn a_report_is_never_wider_than_the_screen_and_lacks_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mail) in mails() {
        let page = folder.path().join(format!("{name}.html"));
        let html = html::standalone(&mail).replace("</body>", MEASURE);
        fs::write(&page, html).unwrap();
        for width in [PHONE, DESKTOP] {
            let measured = measured(&page, width);
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
    fs::create_dir_all(&folder).unwrap();
    for (name, mail) in mails() {
        let with = folder.join(format!("{name}.html"));
        let without = folder.join(format!("{name}-no-pictures.html"));
        fs::write(&with, html::standalone(&mail)).unwrap();
        fs::write(&without, &mail.html).unwrap();
        for dark in [false, true] {
            let shade = if dark { "dark" } else { "light" };
            let to = |what: &str| folder.join(format!("{name}-{what}-{shade}.png"));
            shoot(&with, 720, dark, &to("desktop"));
            shoot(&with, PHONE, dark, &to("phone"));
        }
        shoot(
            &without,
            720,
            false,
            &folder.join(format!("{name}-desktop-no-pictures.png")),
        );
    }
}

/// Letters as they are sent, one of them in German, and views in which every kind of cell is.
fn mails() -> Vec<(String, Mail)> {
    let letters = sample_letters::all().into_iter();
    let english = letters.map(|(name, letter)| (name.to_owned(), mail(&letter, Voice::default())));
    let german = Voice {
        language: Language::German,
        ..Voice::default()
    };
    let german = mail(&sample_letters::named("critical"), german);
    let views = sample_views::all().into_iter();
    let views = views.map(|(name, view)| (format!("view_{name}"), laid_out(view)));
    let german = [("critical_german".to_owned(), german)];
    english.chain(german).chain(views).collect()
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

/// What the page says of itself on a screen of this width.
fn measured(page: &Path, width: u32) -> serde_json::Value {
    // Lower than any report, so that a height measured is the report's.
    let frame = browser::framed(page, width, 50);
    let screen = Screen {
        width: 800,
        height: 1000,
        dark: false,
    };
    let dom = browser::dom(&frame, screen);
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

/// As high as the page is.
fn shoot(page: &Path, width: u32, dark: bool, to: &Path) {
    let measuring: PathBuf = page.with_extension("measure.html");
    let html = fs::read_to_string(page)
        .unwrap()
        .replace("</body>", &MEASURE.replace("scrollWidth", "scrollHeight"));
    fs::write(&measuring, html).unwrap();
    let height = measured(&measuring, width)["width"].as_u64().unwrap();
    let height = u32::try_from(height).unwrap().min(4000);
    let frame = browser::framed(page, width, height);
    browser::picture(
        &frame,
        Screen {
            width: width.max(500),
            height,
            dark,
        },
        to,
    );
    for made in [frame, browser::framed(&measuring, width, height), measuring] {
        fs::remove_file(made).unwrap();
    }
}
