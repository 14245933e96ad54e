//! What a webhook gets: Daybook's own JSON or the body of a service, with the secrets that belong to it.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

#[derive(Debug, Clone)]
pub enum Format {
    /// Daybook's own JSON, signed with the secret.
    Daybook {
        secret: Option<SecretString>,
    },
    Slack,
    Teams,
    Discord,
    Mattermost,
    /// The address is that of the server. Whoever knows the topic can read it.
    Ntfy {
        topic: SecretString,
        token: Option<SecretString>,
    },
    PagerDuty {
        routing_key: SecretString,
    },
}

impl Format {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Daybook { .. } => "daybook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::Mattermost => "mattermost",
            Self::Ntfy { .. } => "ntfy",
            Self::PagerDuty { .. } => "pagerduty",
        }
    }

    /// What `secret` holds.
    pub fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Daybook { secret: held } | Self::Ntfy { token: held, .. } => held.as_ref(),
            Self::PagerDuty { routing_key } => Some(routing_key),
            Self::Slack | Self::Teams | Self::Discord | Self::Mattermost => None,
        }
    }
}

/// Or which setting is wrong, and why. The address loses a topic.
pub(super) fn format(
    written: written::Format,
    secret: Option<SecretString>,
    url: &mut Url,
) -> Result<Format, (&'static str, &'static str)> {
    use written::Format as Written;
    Ok(match (written, secret) {
        (Written::Daybook, secret) => Format::Daybook { secret },
        (Written::Ntfy, token) => {
            let topic = take_topic(url).ok_or(("url", NO_TOPIC))?;
            if let Some(token) = &token {
                check_token(token, url).map_err(|message| ("secret", message))?;
            }
            Format::Ntfy { topic, token }
        }
        (Written::PagerDuty, Some(routing_key)) => Format::PagerDuty { routing_key },
        (Written::PagerDuty, None) => return Err(("format", NO_ROUTING_KEY)),
        (_, Some(_)) => return Err(("secret", NEEDS_NO_SECRET)),
        (Written::Slack, None) => Format::Slack,
        (Written::Teams, None) => Format::Teams,
        (Written::Discord, None) => Format::Discord,
        (Written::Mattermost, None) => Format::Mattermost,
    })
}

const NO_TOPIC: &str = "an ntfy address ends with a topic: at most 64 letters, digits, `_` and `-` behind the last `/`";
const NO_ROUTING_KEY: &str = "`pagerduty` needs the integration key of a service: write `secret` or `secret_file`, or set it in the environment";
const NEEDS_NO_SECRET: &str =
    "this format has no use for a secret, its address is one: remove `secret`";

fn take_topic(url: &mut Url) -> Option<SecretString> {
    const LONGEST: usize = 64;
    let (root, topic) = url.path().trim_end_matches('/').rsplit_once('/')?;
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !(1..=LONGEST).contains(&topic.len()) || !topic.chars().all(is_letter) {
        return None;
    }
    let (root, topic) = (format!("{root}/"), SecretString::from(topic));
    url.set_path(&root);
    Some(topic)
}

/// It becomes a header, and there is room for one user only.
fn check_token(token: &SecretString, url: &Url) -> Result<(), &'static str> {
    if !token
        .expose_secret()
        .bytes()
        .all(|byte| byte.is_ascii_graphic())
    {
        return Err("a token consists of letters, digits and signs, without spaces");
    }
    match url.username().is_empty() && url.password().is_none() {
        true => Ok(()),
        false => Err("the address holds a user already: remove it or `secret`"),
    }
}

/// The format as people write it.
pub(super) mod written {
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    pub enum Format {
        #[default]
        Daybook,
        Slack,
        Teams,
        Discord,
        Mattermost,
        Ntfy,
        PagerDuty,
    }

    impl Format {
        /// Whoever knows the address can post, or read the topic.
        pub fn has_secret_address(self) -> bool {
            !matches!(self, Self::Daybook | Self::PagerDuty)
        }
    }
}
