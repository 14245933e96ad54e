//! Reports as HTML: small, well-formed, ASCII, harmless, readable; and with every word of the view.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod page;

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use daybook::render::html::colours::{Colour, DARK, LIGHT, Palette};
use daybook::render::html::{self, Page};
use daybook::render::mail::Mail;
use daybook::render::view::{RowView, Tone, View};

use crate::sample_views;
use page::Tag;

#[test]
fn sixty_metrics_take_at_most_60_kb_and_two_hundred_90_kb() {
    let sixty = html::page(&sample_views::metrics(60));
    assert!(sixty.html.len() <= 60_000, "{}", sixty.html.len());
    assert_eq!(sixty.left_out, 0);
    let many = html::page(&sample_views::metrics(200));
    assert!(many.html.len() <= 90_000, "{}", many.html.len());
    assert_eq!(many.left_out, 0);
}

#[test]
fn pictures_and_page_fit_into_a_message_of_250_kb() {
    let page = html::page(&sample_views::metrics(400));
    let pictures = page
        .pictures
        .iter()
        .map(|picture| picture.png.len() * 4 / 3 + 300);
    let bytes = page.html.len() + pictures.sum::<usize>();
    assert!(
        bytes <= 200_000,
        "{bytes}: the text part and the table need the rest"
    );
}

#[test]
fn rows_without_room_are_counted_and_those_that_alert_stay() {
    let mut view = sample_views::metrics(400);
    let page = html::page(&view);
    assert!(page.html.len() <= html::MOST_BYTES, "{}", page.html.len());
    let rows = tags(&page)
        .iter()
        .filter(|tag| tag.is("th", "scope", "row"))
        .count();
    assert_eq!(rows + page.left_out, 400);
    let alerting = (9..400).step_by(10);
    for number in alerting {
        assert!(
            page.html.contains(&format!("Metric number {number},")),
            "{number}"
        );
    }
    assert!(
        page.html.contains("Metric number 0,"),
        "the first stay, the last go"
    );
    let said = |what: &str| page::text(&page.html).matches(what).count();
    assert_eq!(
        said("18 more rows of this section: Open the dashboard"),
        20 - full_sections(&page)
    );
    view.link = None;
    let page = html::page(&view);
    let text = page::text(&page.html);
    assert!(text.contains("18 more rows of this section are in the attached table."));
}

/// Sections of which at least one calm row is shown.
fn full_sections(page: &Page) -> usize {
    let text = page::text(&page.html);
    let partly = |section: usize| {
        (section * 20..section * 20 + 20)
            .filter(|number| number % 10 != 9)
            .any(|number| text.contains(&format!("Metric number {number},")))
    };
    (0..20).filter(|section| partly(*section)).count()
}

#[test]
fn even_alerts_without_number_and_notes_without_end_keep_the_page_small() {
    let mut view = sample_views::metrics(900);
    for row in view
        .sections
        .iter_mut()
        .flat_map(|section| &mut section.rows)
    {
        row.value_tone = Tone::Critical;
    }
    view.notes[0].lines = vec!["汉字".repeat(150).into(); 300];
    let page = html::page(&view);
    assert!(page.html.len() <= html::MOST_BYTES, "{}", page.html.len());
    assert!(page.left_out > 500);
    let text = page::text(&page.html);
    assert!(
        text.contains("and 294 more"),
        "a line has 300 letters of 8 bytes"
    );
}

#[test]
fn pages_are_well_formed() {
    for (name, view) in sample_views::all() {
        page::check(&html::page(&view).html).unwrap_or_else(|mistake| panic!("{name}: {mistake}"));
    }
}

#[test]
fn pages_are_ascii_with_short_lines() {
    for (name, view) in sample_views::all() {
        let html = html::page(&view).html;
        assert!(html.is_ascii(), "{name}");
        let longest = html.lines().map(str::len).max();
        assert!(longest <= Some(900), "{name}: {longest:?}");
        assert!(!html.contains(['\r', '\0', '\t']), "{name}");
    }
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    for (name, view) in sample_views::all() {
        for tag in tags(&html::page(&view)) {
            for (attribute, value) in &tag.attributes {
                let (tag, attribute) = (tag.name.as_str(), attribute.as_str());
                match (tag, attribute) {
                    ("a", "href") => assert_eq!(
                        Some(value),
                        view.link.as_ref().map(|(address, _)| address),
                        "{name}"
                    ),
                    ("html", "xmlns" | "xmlns:o") => {}
                    ("img", "src") => assert!(value.starts_with("cid:"), "{name}: {value}"),
                    ("img", "alt") => {}
                    (_, "src" | "href" | "background" | "action") => {
                        panic!("{name}: <{tag} {attribute}={value}>")
                    }
                    _ => assert!(!value.contains("url("), "{name}: {value}"),
                }
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
            }
        }
    }
}

#[test]
fn every_picture_is_shown_once_with_its_size_and_its_words() {
    for (name, view) in sample_views::all() {
        let page = html::page(&view);
        let tags = tags(&page);
        let images: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "img").collect();
        for image in &images {
            assert_eq!(
                (image.get("width"), image.get("height")),
                (Some("84"), Some("20")),
                "{name}"
            );
            assert!(
                image.get("alt").is_some_and(|words| !words.is_empty()),
                "{name}"
            );
        }
        let shown: Vec<&str> = images.iter().filter_map(|image| image.get("src")).collect();
        let carried: Vec<String> = page
            .pictures
            .iter()
            .map(|picture| format!("cid:{}", picture.name))
            .collect();
        assert_eq!(shown, carried, "{name}");
        let different: BTreeSet<&str> = shown.iter().copied().collect();
        assert_eq!(different.len(), shown.len(), "{name}");
        assert!(
            carried
                .iter()
                .all(|cid| cid.is_ascii() && !cid.contains(' '))
        );
    }
}

#[test]
fn a_page_that_stands_alone_has_its_pictures_inside() {
    let view = sample_views::critical();
    let page = html::page(&view);
    let first = page.pictures[0].png.clone();
    let mail = Mail {
        subject: view.subject,
        html: page.html,
        text: String::new(),
        pictures: page.pictures,
        csv: None,
    };
    let alone = mail.standalone_html();
    assert!(!alone.contains("src=\"cid:"));
    let data = alone
        .split("data:image/png;base64,")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert_eq!(BASE64_STANDARD.decode(data).unwrap(), first);
    assert_eq!(alone.matches("data:image/png").count(), mail.pictures.len());
}

#[test]
fn what_comes_from_data_is_never_markup() {
    let page = html::page(&sample_views::hostile());
    let allowed: BTreeSet<&str> = tags(&html::page(&sample_views::critical()))
        .iter()
        .map(|tag| tag.name.clone().leak() as &str)
        .collect();
    for tag in tags(&page) {
        assert!(allowed.contains(tag.name.as_str()), "<{}>", tag.name);
    }
    assert!(!page.html.contains("<script"));
    let link = tags(&page).into_iter().find(|tag| tag.name == "a").unwrap();
    assert_eq!(
        link.get("href"),
        Some("https://daybook.example/?a=1&b=\"><script>")
    );
}

#[test]
fn every_word_of_the_view_is_on_the_page() {
    for view in [
        sample_views::critical(),
        sample_views::quiet(),
        sample_views::metrics(60),
    ] {
        let text = page::text(&html::page(&view).html);
        for word in words(&view) {
            assert!(text.contains(&word), "{word:?} is not in {text}");
        }
    }
}

#[test]
fn a_page_says_its_language_its_subject_and_one_verdict() {
    let mut view = sample_views::critical();
    view.language = "de";
    let page = html::page(&view);
    let tags = tags(&page);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!((count("h1"), count("h2")), (1, view.sections.len()));
    assert!(tags.iter().any(|tag| tag.is("html", "lang", "de")));
    let title = page
        .html
        .split("<title>")
        .nth(1)
        .unwrap()
        .split("</title>")
        .next()
        .unwrap();
    assert_eq!(page::text(title).trim(), view.subject);
    let plain = tags
        .iter()
        .filter(|tag| tag.name == "table" && tag.get("role").is_none())
        .count();
    assert_eq!(
        plain,
        view.sections.len(),
        "all other tables are for layout and say so"
    );
}

#[test]
fn the_style_is_small() {
    let html = html::page(&sample_views::quiet()).html;
    let style = html
        .split("<style>")
        .nth(2)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    assert!(style.len() < 4_096, "{}", style.len());
}

#[test]
fn words_are_readable_by_day_and_by_night() {
    for palette in [LIGHT, DARK] {
        let Palette {
            ink,
            muted,
            good,
            warning,
            critical,
            calm,
            ..
        } = palette;
        for text in [ink, muted, good, warning, critical, calm] {
            let contrast = contrast(text, palette.card);
            assert!(contrast >= 4.5, "{text} on {}: {contrast}", palette.card);
        }
        for (text, tint) in [
            (warning, palette.warning_tint),
            (critical, palette.critical_tint),
        ] {
            let contrast = contrast(text, tint);
            assert!(contrast >= 4.5, "{text} on {tint}: {contrast}");
        }
    }
}

fn tags(page: &Page) -> Vec<Tag> {
    page::check(&page.html).unwrap()
}

/// Everything that a reader is told, pictures' words too.
fn words(view: &View) -> Vec<String> {
    let mut words = vec![
        view.verdict.clone(),
        view.summary.clone(),
        view.name.clone(),
        view.date.clone(),
        view.span.clone(),
        view.preheader.clone(),
    ];
    words.extend(view.highlights.iter().flat_map(|highlight| {
        [
            highlight.word.clone(),
            highlight.head.clone(),
            highlight.rest.clone(),
        ]
    }));
    words.extend(view.more_highlights.clone());
    for section in &view.sections {
        words.push(section.name.clone());
        words.extend(section.heads.clone());
        words.extend(section.rows.iter().flat_map(row_words));
    }
    for note in &view.notes {
        words.push(note.title.clone());
        for line in &note.lines {
            words.extend(line.mark.map(|(_, word)| word.to_owned()));
            words.push(line.text.clone());
        }
    }
    words.extend(view.footer.clone());
    words
}

fn row_words(row: &RowView) -> Vec<String> {
    let mut words = vec![row.label.clone(), row.value.clone()];
    words.extend(row.value_note.clone());
    // Its words are told once a section.
    words.extend(
        row.usual
            .iter()
            .flat_map(|usual| usual.rsplit(": ").next().map(str::to_owned)),
    );
    for cell in row.changes.iter().flatten() {
        words.push(cell.text.clone());
        words.extend(cell.note.clone());
    }
    if !row.trend.is_empty() {
        words.push(row.trend_words.clone());
    }
    words.extend(
        row.parts
            .iter()
            .flat_map(|part| [part.label.clone(), part.value.clone()]),
    );
    words
}

/// As WCAG 2 defines it.
fn contrast(one: Colour, other: Colour) -> f64 {
    let light = |colour: Colour| {
        let [red, green, blue] = colour.parts().map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05
    };
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}
