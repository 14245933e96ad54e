//! The tables with each engine's own types, foreign keys and indexes, as Django makes them.

use crate::world::App;

const TABLES: &str = r#"
CREATE TABLE auth_user (
    id $small NOT NULL PRIMARY KEY, last_login $time NULL, date_joined $time NOT NULL,
    is_superuser $bool NOT NULL, is_active $bool NOT NULL, email varchar(254) NOT NULL
);
CREATE TABLE web_userprofile (
    id $big NOT NULL PRIMARY KEY, receive_marketing_emails $bool NOT NULL,
    content_moderation_violations integer NOT NULL, is_content_banned $bool NOT NULL,
    user_id $ref NOT NULL UNIQUE REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_collection (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, visibility varchar(10) NOT NULL
);
CREATE TABLE web_itemtype (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, display_name varchar(100) NOT NULL
);
CREATE TABLE web_itemattribute (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, display_name varchar(100) NOT NULL,
    item_type_id $big NOT NULL REFERENCES web_itemtype (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_linkpattern (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, display_name varchar(100) NOT NULL
);
CREATE TABLE web_collectionitem (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, status varchar(20) NOT NULL,
    is_favorite $bool NOT NULL,
    collection_id $big NOT NULL REFERENCES web_collection (id) DEFERRABLE INITIALLY DEFERRED,
    item_type_id $big NULL REFERENCES web_itemtype (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_collectionitemattributevalue (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, value text NOT NULL,
    item_id $big NOT NULL REFERENCES web_collectionitem (id) DEFERRABLE INITIALLY DEFERRED,
    item_attribute_id $big NOT NULL REFERENCES web_itemattribute (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_collectionitemlink (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL,
    item_id $big NOT NULL REFERENCES web_collectionitem (id) DEFERRABLE INITIALLY DEFERRED,
    link_pattern_id $big NULL REFERENCES web_linkpattern (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_mediafile (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL, file_size bigint NULL,
    media_type varchar(20) NOT NULL, file_exists $bool NOT NULL, content_moderation_status varchar(20) NOT NULL
);
CREATE TABLE web_collectionimage (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL,
    collection_id $big NOT NULL REFERENCES web_collection (id) DEFERRABLE INITIALLY DEFERRED,
    media_file_id $big NOT NULL REFERENCES web_mediafile (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE web_collectionitemimage (
    id $big NOT NULL PRIMARY KEY, created $time NOT NULL, is_deleted $bool NOT NULL,
    item_id $big NOT NULL REFERENCES web_collectionitem (id) DEFERRABLE INITIALLY DEFERRED,
    media_file_id $big NOT NULL REFERENCES web_mediafile (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE post_office_email (
    id $small NOT NULL PRIMARY KEY, "to" text NOT NULL, status $status NULL, created $time NOT NULL
);
"#;

pub(super) const INDEXES: &str = "
CREATE INDEX web_itemattribute_item_type ON web_itemattribute (item_type_id);
CREATE INDEX web_collectionitem_collection ON web_collectionitem (collection_id);
CREATE INDEX web_collectionitem_item_type ON web_collectionitem (item_type_id);
CREATE INDEX web_value_item ON web_collectionitemattributevalue (item_id);
CREATE INDEX web_value_attribute ON web_collectionitemattributevalue (item_attribute_id);
CREATE INDEX web_link_item ON web_collectionitemlink (item_id);
CREATE INDEX web_link_pattern ON web_collectionitemlink (link_pattern_id);
CREATE INDEX web_collectionimage_collection ON web_collectionimage (collection_id);
CREATE INDEX web_collectionimage_media ON web_collectionimage (media_file_id);
CREATE INDEX web_itemimage_item ON web_collectionitemimage (item_id);
CREATE INDEX web_itemimage_media ON web_collectionitemimage (media_file_id);
CREATE INDEX post_office_email_status ON post_office_email (status);
CREATE INDEX post_office_email_created ON post_office_email (created);
";

pub(super) fn tables(app: &App) -> String {
    let types: [(&str, &str); 6] = match app {
        App::Sqlite(_) => [
            ("$small", "integer"),
            ("$big", "integer"),
            ("$ref", "integer"),
            ("$time", "datetime"),
            ("$bool", "bool"),
            ("$status", "smallint unsigned"),
        ],
        App::Postgres(_) => [
            ("$small", "integer"),
            ("$big", "bigint"),
            ("$ref", "integer"),
            ("$time", "timestamp with time zone"),
            ("$bool", "boolean"),
            ("$status", "smallint"),
        ],
        App::Mysql(_) => [
            ("$small", "integer"),
            ("$big", "bigint"),
            ("$ref", "integer"),
            ("$time", "datetime(6)"),
            ("$bool", "boolean"),
            ("$status", "smallint unsigned"),
        ],
    };
    let named = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    let tables = types.iter().fold(TABLES.to_owned(), named);
    match app {
        App::Mysql(_) => tables.replace(" DEFERRABLE INITIALLY DEFERRED", ""),
        _ => tables,
    }
}
