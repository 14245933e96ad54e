//! Rows into SQLite, many to a statement.

use std::borrow::Cow;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::world::{
    AttributeValue, Collection, Definition, Email, File, Image, Item, Link, STATUSES, User,
    VISIBILITIES, World,
};

const ROWS_PER_STATEMENT: usize = 128;

#[derive(PartialEq)]
enum Field {
    Null,
    Integer(i64),
    Text(Cow<'static, str>),
}

/// Writes every row that is new since `before` or has changed, and counts them. Rows are never removed.
pub(super) async fn changes(
    connection: &mut SqliteConnection,
    before: &World,
    after: &World,
) -> Result<usize> {
    let mut writer = Writer {
        connection,
        before,
        after,
        written: 0,
    };
    writer.people().await?;
    writer.definitions().await?;
    writer.things().await?;
    writer.files().await?;
    Ok(writer.written)
}

struct Writer<'a> {
    connection: &'a mut SqliteConnection,
    before: &'a World,
    after: &'a World,
    written: usize,
}

impl Writer<'_> {
    async fn people(&mut self) -> Result<()> {
        let columns = "last_login, date_joined, is_superuser, is_active, email";
        let row = |user: &User, number: usize| {
            [
                user.last_login.map_or(Field::Null, time),
                time(user.joined),
                flag(user.superuser),
                flag(user.active),
                address(number),
            ]
        };
        self.table("auth_user", columns, |world| &world.users, row)
            .await?;
        let columns =
            "user_id, receive_marketing_emails, content_moderation_violations, is_content_banned";
        let row = |user: &User, number: usize| {
            [
                id(number),
                flag(user.marketing),
                Field::Integer(user.violations),
                flag(user.banned),
            ]
        };
        self.table("web_userprofile", columns, |world| &world.users, row)
            .await?;
        let row = |email: &Email, _| {
            [
                address(email.user),
                Field::Integer(email.status as i64),
                time(email.created),
            ]
        };
        let columns = "\"to\", status, created";
        self.table("post_office_email", columns, |world| &world.emails, row)
            .await
    }

    async fn definitions(&mut self) -> Result<()> {
        let named = |definition: &Definition, _| {
            [
                flag(definition.deleted),
                time(definition.created),
                Field::Text(definition.name.into()),
            ]
        };
        let columns = "is_deleted, created, display_name";
        self.table("web_itemtype", columns, |world| &world.types, named)
            .await?;
        self.table("web_linkpattern", columns, |world| &world.patterns, named)
            .await?;
        let row = |(item_type, definition): &(usize, Definition), number| {
            let [deleted, created, name] = named(definition, number);
            [deleted, created, name, id(*item_type)]
        };
        let columns = "is_deleted, created, display_name, item_type_id";
        self.table("web_itemattribute", columns, |world| &world.attributes, row)
            .await
    }

    async fn things(&mut self) -> Result<()> {
        let columns = "is_deleted, created, visibility";
        let row = |collection: &Collection, _| {
            [
                flag(collection.deleted),
                time(collection.created),
                Field::Text(VISIBILITIES[collection.visibility].into()),
            ]
        };
        self.table("web_collection", columns, |world| &world.collections, row)
            .await?;

        let columns = "is_deleted, created, status, collection_id, item_type_id, is_favorite";
        let row = |item: &Item, _| {
            [
                flag(item.deleted),
                time(item.created),
                Field::Text(STATUSES[item.status].into()),
                id(item.collection),
                item.item_type.map_or(Field::Null, id),
                flag(item.favourite),
            ]
        };
        self.table("web_collectionitem", columns, |world| &world.items, row)
            .await?;

        let columns = "is_deleted, created, item_id, item_attribute_id, value";
        let row = |value: &AttributeValue, _| {
            [
                flag(value.deleted),
                time(value.created),
                id(value.item),
                id(value.attribute),
                Field::Text(value.text.into()),
            ]
        };
        self.table(
            "web_collectionitemattributevalue",
            columns,
            |world| &world.values,
            row,
        )
        .await?;

        let columns = "is_deleted, created, item_id, link_pattern_id";
        let row = |link: &Link, _| {
            [
                flag(link.deleted),
                time(link.created),
                id(link.item),
                link.pattern.map_or(Field::Null, id),
            ]
        };
        self.table("web_collectionitemlink", columns, |world| &world.links, row)
            .await
    }

    async fn files(&mut self) -> Result<()> {
        let columns =
            "is_deleted, created, file_size, media_type, file_exists, content_moderation_status";
        let row = |file: &File, _| {
            [
                flag(file.deleted),
                time(file.created),
                file.size.map_or(Field::Null, Field::Integer),
                Field::Text(file.kind.word().into()),
                flag(file.exists),
                Field::Text(file.moderation.word().into()),
            ]
        };
        self.table("web_mediafile", columns, |world| &world.media, row)
            .await?;

        let row = |image: &Image, _| {
            [
                flag(image.deleted),
                time(image.created),
                id(image.of),
                id(image.file),
            ]
        };
        let columns = "is_deleted, created, collection_id, media_file_id";
        self.table(
            "web_collectionimage",
            columns,
            |world| &world.collection_images,
            row,
        )
        .await?;
        let columns = "is_deleted, created, item_id, media_file_id";
        self.table(
            "web_collectionitemimage",
            columns,
            |world| &world.item_images,
            row,
        )
        .await
    }

    /// Writes the rows that differ between the two worlds; a row's id is its position plus one.
    async fn table<T, const N: usize>(
        &mut self,
        table: &str,
        columns: &str,
        rows: impl Fn(&World) -> &[T],
        fields: impl Fn(&T, usize) -> [Field; N],
    ) -> Result<()> {
        let before = rows(self.before);
        let old = |number: usize| before.get(number).map(|row| fields(row, number));
        let after = rows(self.after).iter().enumerate();
        let after = after.map(|(number, row)| (number, fields(row, number)));
        let mut changed = after.filter(|(number, new)| old(*number).as_ref() != Some(new));
        loop {
            let some: Vec<_> = changed.by_ref().take(ROWS_PER_STATEMENT).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.written += some.len();
            let placeholders = format!("(?{})", ", ?".repeat(N));
            let placeholders = vec![placeholders; some.len()].join(", ");
            let sql =
                format!("INSERT OR REPLACE INTO {table} (id, {columns}) VALUES {placeholders}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (number, fields) in some {
                for field in std::iter::once(id(number)).chain(fields) {
                    query = match field {
                        Field::Null => query.bind(None::<i64>),
                        Field::Integer(number) => query.bind(number),
                        Field::Text(text) => query.bind(text),
                    };
                }
            }
            query
                .execute(&mut *self.connection)
                .await
                .with_context(|| format!("cannot write into {table}"))?;
        }
    }
}

/// The second user has none.
fn address(number: usize) -> Field {
    let text = match number {
        1 => String::new(),
        _ => format!("user{}@example.org", number + 1),
    };
    Field::Text(text.into())
}

fn time(instant: DateTime<Utc>) -> Field {
    Field::Text(instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string().into())
}

fn flag(set: bool) -> Field {
    Field::Integer(i64::from(set))
}

/// The id of the row at this position.
fn id(position: usize) -> Field {
    Field::Integer(position as i64 + 1)
}
