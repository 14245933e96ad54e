//! What frameworks keep for themselves: tables whose rows nobody asks about.

use crate::collect::schema::survey::Relation;

/// Names that no application gives to what it is about.
const NAMES: &[&str] = &[
    "schema_migrations",
    "ar_internal_metadata",
    "django_migrations",
    "django_session",
    "django_content_type",
    "django_admin_log",
    "django_site",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "auth_user_groups",
    "auth_user_user_permissions",
    "alembic_version",
    "flyway_schema_history",
    "databasechangelog",
    "databasechangeloglock",
    "knex_migrations",
    "knex_migrations_lock",
    "phinxlog",
    "doctrine_migration_versions",
    "messenger_messages",
    "delayed_jobs",
    "job_batches",
    "cache",
    "cache_locks",
    "sessions_keys",
    "password_resets",
    "password_reset_tokens",
    "usermeta",
    "postmeta",
    "config_text",
    "api_session",
    "search_wordlist",
    "search_wordmatch",
    "search_results",
    "acl_groups",
    "acl_options",
    "acl_roles",
    "acl_roles_data",
    "acl_users",
    "spatial_ref_sys",
    "_prisma_migrations",
    "__efmigrationshistory",
    "__drizzle_migrations",
    "goose_db_version",
    "seo_url",
    "layout_module",
    "layout_route",
    "sqlx_migrations",
    "_sqlx_migrations",
];

const BEGINNINGS: &[&str] = &[
    "solid_queue_",
    "solid_cache_",
    "solid_cable_",
    "good_job",
    "que_jobs",
    "oban_",
    "telescope_",
    "pulse_",
    "django_celery_",
    "django_q_",
    "silk_",
    "qrtz_",
];

/// Words for what an application may be about, too: machinery only where one of these columns says so.
const BY_COLUMN: &[(&str, &[&str])] = &[
    ("sessions", OF_SESSIONS),
    ("session", OF_SESSIONS),
    ("jobs", &["payload", "handler", "queue"]),
    ("migrations", &["batch", "migration", "migration_name"]),
    ("options", &["option_value"]),
    ("config", &["config_value", "value"]),
    ("setting", &["value", "serialized"]),
    ("settings", &["value", "serialized", "payload"]),
    ("event", &["trigger"]),
    ("extension", &["code"]),
    ("modification", &["xml", "code"]),
    ("ext", &["ext_state"]),
    ("modules", &["module_class"]),
    ("styles", &["style_path"]),
    ("confirm", &["confirm_type", "seed"]),
    ("theme", &["route"]),
    ("translation", &["route"]),
];

const OF_SESSIONS: &[&str] = &[
    "data",
    "session_data",
    "payload",
    "sess",
    "session_ip",
    "user_agent",
    "expire",
    "last_activity",
];

/// By the table's name, with or without the application's prefix.
pub fn is_machinery(relation: &Relation, prefix: &str) -> bool {
    let name = relation.name.to_lowercase();
    let bare = name.rsplit('.').next().unwrap_or(&name);
    let own = bare
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    let has = |name: &str| {
        let mut columns = relation.columns.iter();
        columns.any(|column| column.name.eq_ignore_ascii_case(name))
    };
    [Some(bare), own].into_iter().flatten().any(|name| {
        let mut by_column = BY_COLUMN.iter().filter(|(known, _)| *known == name);
        NAMES.contains(&name)
            || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
            || by_column.any(|(_, columns)| columns.iter().any(|column| has(column)))
    })
}
