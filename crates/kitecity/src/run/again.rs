//! The command that plays a run once more.

use super::{RunArgs, SLACK_USUAL};
use crate::Settings;

/// The command that plays `file` with `seed` as it was played now, for a POSIX shell.
///
/// Names everything that can change what comes of it, but no secret.
pub(super) fn command(file: &str, seed: u64, args: &RunArgs, settings: &Settings) -> String {
    let mut words = vec!["kitecity".to_owned(), "run".to_owned(), file.to_owned()];
    let mut add = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    add("--seed", &seed.to_string());
    for param in &args.params {
        add("--param", param);
    }
    if let Some(config) = &settings.config {
        add("--config", &config.to_string_lossy());
    }
    if let Some(lamps) = &settings.lamps {
        add("--lamps", &lamps.to_string_lossy());
    }
    if args.live {
        if args.slack != SLACK_USUAL {
            add("--slack", &args.slack);
        }
        if let Some(speed) = settings.speed {
            add("--speed", &speed.to_string());
        }
        if let Some(broker) = &settings.broker {
            add("--broker", &broker.to_string());
        }
        for role in &settings.without {
            add("--without", role.as_str());
        }
        words.push("--live".to_owned());
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    // Only a NUL cannot be quoted, and no argument has one.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Cli, Command};

    fn check(line: &str, expected: &str) {
        let cli = Cli::try_parse_from(shlex::split(line).unwrap()).unwrap();
        let Some(Command::Run(args)) = &cli.command else { panic!("not a run: {line}") };
        assert_eq!(command("a.toml", 7, args, &cli.settings), expected);
    }

    #[test]
    fn the_command_names_what_can_change_the_outcome() {
        check("kitecity run a.toml", "kitecity run a.toml --seed 7");
        check(
            "kitecity run a.toml --param level=40 --config my.toml --lamps my.csv --json",
            "kitecity run a.toml --seed 7 --param 'level=40' --config my.toml --lamps my.csv",
        );
        check(
            "kitecity run a.toml --live --slack 9s --speed 60 --broker mqtt://10.0.0.1:1884 --without clinic",
            "kitecity run a.toml --seed 7 --slack 9s --speed 60 --broker mqtt://10.0.0.1:1884 \
             --without clinic --live",
        );
    }

    #[test]
    fn the_command_survives_a_shell_and_keeps_secrets() {
        check(
            "kitecity run a.toml --param 'to=a b; rm'",
            "kitecity run a.toml --seed 7 --param 'to=a b; rm'",
        );
        check("kitecity run a.toml --live --secret hush", "kitecity run a.toml --seed 7 --live");
    }
}
