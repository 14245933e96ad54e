//! Kinds are data: declared in the configuration, checked there, printed as they are.

use daybook::commands::Ended;
use daybook::kinds::{presets, written::Shape};
use support::world::World;

use super::{CHECKOUT, METRICS, kinds};

const PRESETS: &str = "[live]\npresets = [\"bot\", \"agents\", \"hosts\", \"moderation\"]\n";

fn world(settings: &str) -> World {
    World::new("2026-11-20T11:00:00Z", &format!("{settings}{METRICS}"))
}

#[test]
fn the_presets_are_sound_and_have_the_originals_kinds() {
    let names: Vec<String> = kinds().into_keys().collect();
    let expected = "agent checkout correction filter host scan session stage swarm system task";
    assert_eq!(names.join(" "), expected);
    let stage = &kinds()["stage"];
    assert_eq!(stage.shape, Shape::Span);
    let daybook::kinds::Accepts::OneOf(stages) =
        &stage.labels[stage.label("stage").unwrap()].accepts
    else {
        panic!("stages are listed");
    };
    assert_eq!(stages.len(), 9);
    assert_eq!(kinds()["host"].keep.points.unwrap().as_secs(), 30 * 86_400);
    assert_eq!(kinds()["task"].keep.points.unwrap().as_secs(), 7 * 86_400);
}

#[tokio::test]
async fn what_a_preset_prints_can_be_declared_as_it_is() {
    for (name, toml) in presets::PRESETS {
        let world = world("");
        let printed = world.binary(&["live", "kinds", name]);
        assert!(printed.status.success(), "{printed:?}");
        let printed = String::from_utf8(printed.stdout).unwrap();
        let world = self::world(&printed);
        let declared = world.config().live.unwrap().kinds;
        for kind in presets::kinds(toml) {
            assert_eq!(declared[&kind.name], kind);
        }
    }
}

#[test]
fn a_kind_of_the_file_takes_the_place_of_the_presets() {
    let settings =
        format!("{PRESETS}[live.kinds.host]\nshape = \"sample\"\nvalues = {{ cpu = {{}} }}\n");
    let kinds = world(&settings).config().live.unwrap().kinds;
    assert_eq!(kinds["host"].values.len(), 1);
    assert_eq!(kinds.len(), 10);
}

#[test]
fn without_the_section_there_is_nothing_live() {
    assert!(world("").config().live.is_none());
}

#[tokio::test]
async fn recording_without_the_section_says_what_to_add() {
    let refused = world("").command(&["live", "kinds"]).await.unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    let message = refused.to_string();
    assert!(
        message.contains("has no section [live]: add one"),
        "{message}"
    );
}

#[tokio::test]
async fn declared_kinds_are_listed_for_people_and_programs() {
    let world = world(&format!("[live.kinds.checkout]\n{CHECKOUT}"));
    let listed = world.binary(&["live", "kinds"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    let expected = "checkout (span)
  method                       label  3 values at most
  order                        label  any, to be looked up
  shop                         label  zh | be, required
  amount                       value  CHF, 2 decimals
  duration                     value  ms, from 0
";
    assert_eq!(text, expected);
    assert_eq!(
        world.command(&["live", "kinds", "--json"]).await.unwrap(),
        Ended::Done
    );
}

#[test]
fn live_metrics_take_window_unit_and_decimals_and_find_their_twin() {
    let settings = include_str!("../config/valid/live_metrics.toml");
    let config = World::new("2026-11-20T11:00:00Z", settings).config();
    let catalog = &config.catalog;
    let metric = |key: &str| catalog.metric(key).unwrap();
    let twin = |key: &str| metric(key).same_as.clone();
    assert_eq!(twin("checkouts_24h").as_deref(), Some("orders_24h"));
    assert_eq!(twin("checkouts_7d").as_deref(), Some("orders_7d"));
    assert_eq!(twin("checkouts_30d"), None);
    assert_eq!(twin("checkouts_today").as_deref(), Some("orders_24h"));
    let told = |key: &str| (metric(key).unit.as_str(), metric(key).decimals);
    assert_eq!(told("checkouts_24h"), ("", None));
    assert_eq!(told("checkout_success"), ("%", Some(2)));
    assert_eq!(told("slowest"), ("ms", Some(3)));
    assert_eq!(told("turnover"), ("CHF", Some(2)));
    assert!(metric("checkout_success").moves_in_points());
    assert!(metric("checkouts_7d").counts() && !metric("turnover").counts());
    assert!(catalog.is_covered_by_day(metric("checkouts_7d")));
}
