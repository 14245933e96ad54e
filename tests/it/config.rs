//! Configuration: what is accepted, what is refused and in which words, and what never shows.

mod environment;
mod example;
mod files;
mod live_redis;
mod mail;
mod proxies;
mod readers;
mod secrets;
mod ways;

use std::path::{Path, PathBuf};

use daybook::config::{Config, ConfigError, Request, load};

const SMALLEST: &str = "
[tables.users]
name = 'users'

[[metrics]]
key = 'users'
table = 'users'
count = '*'
";

/// A folder with a configuration of its own, and the environment it is read with.
struct World {
    folder: tempfile::TempDir,
    request: Request,
}

impl World {
    /// The settings, with the smallest catalog there is.
    fn with(settings: &str) -> Self {
        let world = Self::empty();
        world.file("daybook.toml", &format!("{settings}{SMALLEST}"))
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let request = Request {
            path: None,
            environment: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
            cwd: folder.path().to_owned(),
        };
        Self { folder, request }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        write(&path, text);
        self
    }

    fn set(mut self, variable: &str, value: &str) -> Self {
        let value = value.replace("{folder}", &self.folder.path().display().to_string());
        self.request.environment.insert(variable.to_owned(), value);
        self
    }

    fn asked_for(mut self, path: &str) -> Self {
        self.request.path = Some(PathBuf::from(path));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Result<Config, ConfigError> {
        load(&self.request)
    }

    fn config(&self) -> Config {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// All mistakes as a user reads them, with the folder's name taken out.
    fn mistakes(&self) -> String {
        let error = self.load().expect_err("the configuration is accepted");
        let folder = self.folder.path().display().to_string();
        error.to_string().replace(&folder, "{folder}")
    }
}

pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a file of the project; the found text is left where it can be copied from.
pub(crate) fn assert_same_as_file(found: &str, path: &Path) {
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected != found {
        let name = path
            .strip_prefix(project(""))
            .expect("it is of the project");
        let left = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        write(&left, found);
        panic!(
            "{} is not what is found now; if that is right:\n  cp {} {}\n\n{found}",
            name.display(),
            left.display(),
            path.display()
        );
    }
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("the folder can be made");
    std::fs::write(path, text).expect("the file can be written");
}
