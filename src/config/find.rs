//! Finds the configuration file.

use std::path::{Path, PathBuf};

use crate::text::mistake::{Mistake, Source};

use super::{ConfigError, Request};

/// The file to read, and its name in messages.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    pub directory: PathBuf,
    pub name: String,
}

/// The file asked for, else `DAYBOOK_CONFIG`, else the first that exists of the usual places.
pub fn file(request: &Request) -> Result<Found, ConfigError> {
    let named = request
        .environment
        .get("DAYBOOK_CONFIG")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    if let Some(path) = request.path.clone().or(named) {
        return Ok(Found::at(&path, &request.cwd));
    }
    let candidates = usual_paths(request);
    let first = candidates
        .iter()
        .find(|path| request.cwd.join(path).is_file());
    first
        .map(|path| Found::at(path, &request.cwd))
        .ok_or_else(|| {
            let tried: Vec<String> = candidates
                .iter()
                .map(|path| format!("  {}", request.cwd.join(path).display()))
                .collect();
            ConfigError::one(Mistake::elsewhere(
                "daybook.toml",
                format!(
                    "no configuration file; tried\n{}\nname one with --config or DAYBOOK_CONFIG, create one from your database's tables with `daybook init`, or an example with `daybook demo`",
                    tried.join("\n")
                ),
            ))
        })
}

fn usual_paths(request: &Request) -> Vec<PathBuf> {
    let folder = |variable: &str| {
        let value = request.environment.get(variable);
        value.filter(|value| !value.is_empty()).map(PathBuf::from)
    };
    let own = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    let mut paths = vec![PathBuf::from("daybook.toml")];
    paths.extend(own.map(|own| own.join("daybook/daybook.toml")));
    paths.push(PathBuf::from("/etc/daybook/daybook.toml"));
    paths
}

impl Found {
    fn at(path: &Path, cwd: &Path) -> Self {
        let name = path.display().to_string();
        let path = cwd.join(path);
        Self {
            directory: path.parent().unwrap_or(cwd).to_owned(),
            path,
            name,
        }
    }

    pub fn read(&self) -> Result<Source, ConfigError> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Source {
                name: self.name.clone(),
                text,
            }),
            Err(error) => Err(ConfigError::one(Mistake::elsewhere(
                &self.name,
                format!("cannot read the configuration file: {error}"),
            ))),
        }
    }

    /// Reads a file that is relative to this one.
    pub fn source_beside(&self, path: &str) -> Result<Source, String> {
        let name = self.beside(path);
        match std::fs::read_to_string(self.directory.join(path)) {
            Ok(text) => Ok(Source { name, text }),
            Err(error) => Err(format!("cannot read `{name}`: {error}")),
        }
    }

    /// The name in messages of a file that is relative to this one.
    pub fn beside(&self, path: &str) -> String {
        Path::new(&self.name)
            .with_file_name(path)
            .display()
            .to_string()
    }
}
