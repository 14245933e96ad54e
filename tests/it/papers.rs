//! The man page and the completions know the whole command line.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::process::Command;

use clap::CommandFactory;
use daybook::cli::Cli;

use crate::world::World;

#[test]
fn the_man_page_holds_every_command_every_option_and_every_variable() {
    let page = printed(&["man"])
        .replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "");
    let mut commands = vec![("daybook".to_owned(), Cli::command())];
    while let Some((called, command)) = commands.pop() {
        assert!(page.contains(&called), "{called}");
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{option}")), "{called} --{option}");
        }
        for inner in command.get_subcommands() {
            commands.push((format!("{called} {}", inner.get_name()), inner.clone()));
        }
    }
    let settings = include_str!("../../daybook.example.toml");
    let words = settings.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
    let variables =
        words.filter(|word| word.starts_with("DAYBOOK_") || word.starts_with("METRICS_"));
    for variable in variables {
        let any = variable
            .trim_end_matches("_FILE")
            .replace("_OPS_", "_NAME_")
            .replace("_SHOP_", "_NAME_")
            .replace("_TOKEN_SHOP", "_TOKEN_NAME");
        assert!(page.contains(&any), "{variable}");
    }
    for code in ["0", "1", "2", "69", "75", "78"] {
        assert!(
            page.contains(&format!(".TP\n{code}\n")),
            "exit status {code}"
        );
    }
}

#[test]
fn bash_completes_commands_and_their_options() {
    let world = World::new("2025-10-04T06:00:00Z", "");
    world.write("daybook.bash", &printed(&["completions", "bash"]));
    let complete = |words: &[&str]| {
        let last = words.len() - 1;
        let script = format!(
            "source daybook.bash; COMP_WORDS=({}); COMP_CWORD={last}; _daybook daybook '{}' '{}'; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words[last],
            words[last - 1],
        );
        let run = Command::new("bash")
            .args(["-euc", &script])
            .current_dir(world.path(""))
            .output();
        let output = run.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete(&["daybook", "col"]), "collect");
    assert_eq!(complete(&["daybook", "collect", "--catch"]), "--catch-up");
    assert_eq!(complete(&["daybook", "config", "sch"]), "schema");
    assert_eq!(complete(&["daybook", "report", "--format", "h"]), "html");
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        assert!(
            script.contains("catch-up") && script.contains("grafana"),
            "{shell}"
        );
    }
}

/// Both need no configuration.
fn printed(args: &[&str]) -> String {
    let nowhere = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_daybook"));
    let mut program = program;
    let output = program
        .args(args)
        .current_dir(nowhere.path())
        .env_clear()
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}
