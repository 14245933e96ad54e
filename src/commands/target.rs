//! The target of an export: standard output, a pipe or device, or a file that appears whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::Unfinished;
use tokio_util::sync::CancellationToken;

use super::{CommandError, World};

const BUFFER_BYTES: usize = 256 * 1024;

/// A writer that remembers its first error.
pub struct Target {
    out: Out,
    name: String,
    stop: CancellationToken,
    trouble: Option<io::Error>,
}

enum Out {
    Plain(BufWriter<Sink>),
    Gzip(GzEncoder<BufWriter<Sink>>),
}

enum Sink {
    Stream(Box<dyn Write>),
    File(Unfinished),
}

impl Target {
    pub fn open(output: Option<&Path>, gzip: bool, world: &World) -> Result<Self, CommandError> {
        let (sink, name) = match output {
            Some(path) if path != Path::new("-") => {
                let path = world.directory.join(path);
                let sink = open(&path)?;
                (sink, path.display().to_string())
            }
            _ if gzip && world.stdout_is_terminal => {
                return Err(CommandError::Usage(
                    "--gzip: a terminal cannot show compressed data; name a file with --output, or pipe it to a program"
                        .to_owned(),
                ));
            }
            _ => (
                Sink::Stream(Box::new(io::stdout())),
                "standard output".to_owned(),
            ),
        };
        let buffer = BufWriter::with_capacity(BUFFER_BYTES, sink);
        Ok(Self {
            out: match gzip {
                true => Out::Gzip(GzEncoder::new(buffer, Compression::default())),
                false => Out::Plain(buffer),
            },
            name,
            stop: world.stop.clone(),
            trouble: None,
        })
    }

    /// Writes the rest and puts the file in place; returns the first error, including those of earlier writes.
    pub fn finish(self) -> Result<(), CommandError> {
        let name = self.name;
        if self.stop.is_cancelled() {
            return Err(anyhow!("interrupted: {name} is incomplete").into());
        }
        let done = match self.trouble {
            Some(error) => Err(error),
            None => self.out.finish(),
        };
        match done {
            // The reader wants no more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => Ok(done.with_context(|| format!("cannot write {name}"))?),
        }
    }

    /// Whether further writes are pointless.
    pub fn is_closed(&self) -> bool {
        self.trouble.is_some() || self.stop.is_cancelled()
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let written = match &mut self.out {
            Out::Plain(out) => out.write(bytes),
            Out::Gzip(out) => out.write(bytes),
        };
        written.map_err(|error| {
            let kind = error.kind();
            self.trouble = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out {
    fn finish(self) -> io::Result<()> {
        let buffer = match self {
            Self::Plain(buffer) => buffer,
            Self::Gzip(encoder) => encoder.finish()?,
        };
        let sink = buffer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        match sink {
            Sink::Stream(mut stream) => stream.flush(),
            Sink::File(file) => file.finish(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// Replaces a file as a whole, also behind a link; a pipe or a device takes the bytes as they come.
fn open(path: &Path) -> Result<Sink, CommandError> {
    let cannot = || format!("cannot write {}", path.display());
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(CommandError::Failed(anyhow!(
            "{}: it is a folder; name a file in it",
            cannot()
        ))),
        Ok(there) if there.is_file() => {
            let real = fs::canonicalize(path).with_context(cannot)?;
            Ok(Sink::File(Unfinished::new(&real).with_context(cannot)?))
        }
        Ok(_) => {
            let stream = OpenOptions::new().write(true).open(path);
            Ok(Sink::Stream(Box::new(stream.with_context(cannot)?)))
        }
        Err(_) => {
            let folder = path.parent().map(Path::to_owned).unwrap_or_default();
            match is_missing(&folder) {
                true => Err(CommandError::Failed(anyhow!(
                    "{}: there is no folder {}; create it first",
                    cannot(),
                    folder.display()
                ))),
                false => Ok(Sink::File(Unfinished::new(path).with_context(cannot)?)),
            }
        }
    }
}

fn is_missing(folder: &Path) -> bool {
    matches!(fs::metadata(folder), Err(error) if error.kind() == io::ErrorKind::NotFound)
}
