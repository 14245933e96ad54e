//! Beryl's tables, with the columns that its numbers use and the indexes that Django makes.

pub(super) const TABLES: &str = r#"
CREATE TABLE auth_user (
    id INTEGER NOT NULL PRIMARY KEY,
    last_login DATETIME NULL,
    date_joined DATETIME NOT NULL,
    is_superuser BOOLEAN NOT NULL,
    is_active BOOLEAN NOT NULL,
    email VARCHAR(254) NOT NULL
);
CREATE TABLE web_userprofile (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL UNIQUE REFERENCES auth_user (id),
    receive_marketing_emails BOOLEAN NOT NULL,
    content_moderation_violations INTEGER NOT NULL,
    is_content_banned BOOLEAN NOT NULL
);
CREATE TABLE web_collection (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    visibility VARCHAR(10) NOT NULL
);
CREATE TABLE web_itemtype (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    display_name VARCHAR(100) NOT NULL
);
CREATE TABLE web_itemattribute (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    display_name VARCHAR(100) NOT NULL,
    item_type_id INTEGER NOT NULL REFERENCES web_itemtype (id)
);
CREATE TABLE web_linkpattern (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    display_name VARCHAR(100) NOT NULL
);
CREATE TABLE web_collectionitem (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    status VARCHAR(20) NOT NULL,
    collection_id INTEGER NOT NULL REFERENCES web_collection (id),
    item_type_id INTEGER NULL REFERENCES web_itemtype (id),
    is_favorite BOOLEAN NOT NULL
);
CREATE TABLE web_collectionitemattributevalue (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    item_id INTEGER NOT NULL REFERENCES web_collectionitem (id),
    item_attribute_id INTEGER NOT NULL REFERENCES web_itemattribute (id),
    value TEXT NOT NULL
);
CREATE TABLE web_collectionitemlink (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    item_id INTEGER NOT NULL REFERENCES web_collectionitem (id),
    link_pattern_id INTEGER NULL REFERENCES web_linkpattern (id)
);
CREATE TABLE web_mediafile (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    file_size BIGINT NULL,
    media_type VARCHAR(20) NOT NULL,
    file_exists BOOLEAN NOT NULL,
    content_moderation_status VARCHAR(20) NOT NULL
);
CREATE TABLE web_collectionimage (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    collection_id INTEGER NOT NULL REFERENCES web_collection (id),
    media_file_id INTEGER NOT NULL REFERENCES web_mediafile (id)
);
CREATE TABLE web_collectionitemimage (
    id INTEGER NOT NULL PRIMARY KEY,
    is_deleted BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    item_id INTEGER NOT NULL REFERENCES web_collectionitem (id),
    media_file_id INTEGER NOT NULL REFERENCES web_mediafile (id)
);
CREATE TABLE post_office_email (
    id INTEGER NOT NULL PRIMARY KEY,
    "to" TEXT NOT NULL,
    status SMALLINT NULL,
    created DATETIME NOT NULL
);
"#;

/// Made when the rows are in: sorting once is faster than keeping order all along.
pub(super) const INDEXES: &str = "
CREATE INDEX web_itemattribute_item_type_id ON web_itemattribute (item_type_id);
CREATE INDEX web_collectionitem_collection_id ON web_collectionitem (collection_id);
CREATE INDEX web_collectionitem_item_type_id ON web_collectionitem (item_type_id);
CREATE INDEX web_collectionitemattributevalue_item_id ON web_collectionitemattributevalue (item_id);
CREATE INDEX web_collectionitemattributevalue_item_attribute_id
    ON web_collectionitemattributevalue (item_attribute_id);
CREATE INDEX web_collectionitemlink_item_id ON web_collectionitemlink (item_id);
CREATE INDEX web_collectionitemlink_link_pattern_id ON web_collectionitemlink (link_pattern_id);
CREATE INDEX web_collectionimage_collection_id ON web_collectionimage (collection_id);
CREATE INDEX web_collectionimage_media_file_id ON web_collectionimage (media_file_id);
CREATE INDEX web_collectionitemimage_item_id ON web_collectionitemimage (item_id);
CREATE INDEX web_collectionitemimage_media_file_id ON web_collectionitemimage (media_file_id);
CREATE INDEX post_office_email_status ON post_office_email (status);
CREATE INDEX post_office_email_created ON post_office_email (created);
";
