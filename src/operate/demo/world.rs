//! The invented application's rows, in order of creation. They refer to each other by position.

use chrono::{DateTime, Utc};

pub(super) const STATUSES: [&str; 6] = [
    "IN_COLLECTION",
    "WANTED",
    "PREVIOUSLY_OWNED",
    "LENT_OUT",
    "RESERVED",
    "ORDERED",
];
pub(super) const VISIBILITIES: [&str; 3] = ["PRIVATE", "PUBLIC", "UNLISTED"];

#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) users: Vec<User>,
    pub(super) emails: Vec<Email>,
    pub(super) types: Vec<Definition>,
    /// Each with the type it belongs to.
    pub(super) attributes: Vec<(usize, Definition)>,
    pub(super) patterns: Vec<Definition>,
    pub(super) collections: Vec<Collection>,
    pub(super) items: Vec<Item>,
    pub(super) values: Vec<AttributeValue>,
    pub(super) links: Vec<Link>,
    pub(super) media: Vec<File>,
    pub(super) collection_images: Vec<Image>,
    pub(super) item_images: Vec<Image>,
}

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) joined: DateTime<Utc>,
    pub(super) last_login: Option<DateTime<Utc>>,
    pub(super) superuser: bool,
    pub(super) active: bool,
    pub(super) marketing: bool,
    pub(super) violations: i64,
    pub(super) banned: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Email {
    pub(super) user: usize,
    pub(super) status: EmailStatus,
    pub(super) created: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmailStatus {
    Sent = 0,
    Failed = 1,
    Queued = 2,
    Requeued = 3,
}

#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) name: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Collection {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    /// One of [`VISIBILITIES`].
    pub(super) visibility: usize,
    /// Its picture among the collections' images.
    pub(super) header: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    /// One of [`STATUSES`].
    pub(super) status: usize,
    pub(super) collection: usize,
    pub(super) item_type: Option<usize>,
    pub(super) favourite: bool,
    /// Its pictures among the items' images.
    pub(super) images: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct AttributeValue {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) item: usize,
    pub(super) attribute: usize,
    pub(super) text: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) item: usize,
    pub(super) pattern: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) size: Option<i64>,
    pub(super) kind: FileKind,
    pub(super) exists: bool,
    pub(super) moderation: Moderation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Avatar,
    Header,
    Picture,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moderation {
    Pending,
    Flagged,
    Approved,
    Rejected,
}

/// A file shown with an item or a collection.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) deleted: bool,
    pub(super) created: DateTime<Utc>,
    pub(super) of: usize,
    pub(super) file: usize,
}

impl FileKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Avatar => "AVATAR",
            Self::Header => "COLLECTION_HEADER",
            Self::Picture => "COLLECTION_ITEM",
            Self::Other => "OTHER",
        }
    }
}

impl Moderation {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Flagged => "FLAGGED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }
}
