//! The status of a delivery, in the same words for commands and pages.

use crate::book::{Channel, Delivery, DeliveryState};
use crate::locale::Language;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    Accepted,
    WaitsForMessages,
    NotTried,
    OnItsWay,
    TriedAgain,
    Superseded,
    Failed,
    /// In doubt, and sent again.
    SentAgain,
    /// In doubt, and not sent again.
    Held,
    /// In doubt; whether it is sent again depends on the time.
    InDoubt,
}

impl DeliveryStatus {
    /// Pass `sent_again` to say of a message in doubt whether it is sent again, which depends on the time.
    pub fn new(row: &Delivery, sent_again: Option<bool>) -> Self {
        match row.state {
            DeliveryState::Accepted => Self::Accepted,
            DeliveryState::Planned if row.channel == Channel::Ping => Self::WaitsForMessages,
            DeliveryState::Planned => Self::NotTried,
            DeliveryState::Sending => Self::OnItsWay,
            DeliveryState::Failed if row.retry_at.is_some() => Self::TriedAgain,
            DeliveryState::Failed if row.is_superseded() => Self::Superseded,
            DeliveryState::Failed => Self::Failed,
            DeliveryState::Ambiguous => match sent_again {
                Some(true) => Self::SentAgain,
                Some(false) => Self::Held,
                None => Self::InDoubt,
            },
        }
    }

    pub fn words(self, language: Language) -> &'static str {
        let (english, german) = match self {
            Self::Accepted => ("accepted", "angenommen"),
            Self::WaitsForMessages => (
                "waits until every message is accepted",
                "wartet, bis jede Nachricht angenommen ist",
            ),
            Self::NotTried => (
                "not tried yet, sent by the next run",
                "noch nicht versucht, der nächste Lauf sendet sie",
            ),
            Self::OnItsWay => ("on its way", "unterwegs"),
            Self::TriedAgain => (
                "tried again by the next run",
                "der nächste Lauf versucht es erneut",
            ),
            Self::Superseded => ("superseded", "überholt"),
            Self::Failed => ("failed for good", "endgültig gescheitert"),
            Self::SentAgain => (
                "may have arrived, sent again by the next run",
                "vielleicht angekommen, der nächste Lauf sendet sie erneut",
            ),
            Self::Held => (
                "held: may have arrived",
                "zurückgehalten: vielleicht angekommen",
            ),
            Self::InDoubt => ("may have arrived", "vielleicht angekommen"),
        };
        match language {
            Language::English => english,
            Language::German => german,
        }
    }
}
