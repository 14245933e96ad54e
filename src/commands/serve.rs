//! `daybook serve`: serves the dashboard until it is stopped.

mod notify;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use tokio::net::TcpListener;

use crate::cli::Serve;
use crate::config::Config;
use crate::config::serve::{header, listen};
use crate::look::pages::{self, HOME, Site};
use crate::text::mistake::Mistake;
use crate::web::access::Access;
use crate::web::{self, Limits};

use super::{CommandError, Ended, World};

pub async fn run(mut config: Config, args: &Serve, world: &World) -> Result<Ended, CommandError> {
    if let Some(text) = &args.listen {
        config.serve.listen = listen(text).map_err(|why| usage("--listen", &why))?;
    }
    if let Some(text) = &args.behind_proxy {
        config.serve.proxy_header =
            Some(header(text).map_err(|why| usage("--behind-proxy", &why))?);
    }
    let address = config.serve.listen;
    let access = Access::new(&config, address)
        .map_err(|exposed| Mistake::elsewhere("serve", exposed.to_string()))?;
    let (listener, address) = bind(address).await?;
    let book = config.book.url.clone();
    let name = config.name.clone();
    let proxies = Arc::clone(&access.proxies);
    let router = router(Site::new(config, book, world.clock), access);
    tracing::info!(
        "the dashboard of {name} is at http://{address}{HOME}; stop it with Ctrl-C or SIGTERM"
    );
    notify::supervisor(&world.environment, "READY=1");
    let stopping = async {
        world.stop.cancelled().await;
        notify::supervisor(&world.environment, "STOPPING=1");
    };
    let stop = world.stop.clone();
    let serving = web::serve(listener, router, Limits::default(), proxies, stop);
    tokio::join!(serving, stopping);
    tracing::debug!("stopped");
    Ok(Ended::Done)
}

/// All routes of the server.
pub fn router(site: Site, access: Access) -> Router {
    let site = Arc::new(site);
    let for_everybody = pages::for_everybody(site.clone());
    let for_readers = pages::for_readers(site.clone());
    web::router(for_everybody, for_readers, Arc::new(access), move |code| {
        site.problem_page(code)
    })
}

/// Returns the address in use: for port 0 the system chooses one.
async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CommandError> {
    let failed = |error: std::io::Error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there, perhaps another `daybook serve`: stop it or choose another port with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address: choose one of its own with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not listen on ports below 1024: choose a higher one with --listen"
            }
            _ => "choose another address with --listen",
        };
        CommandError::Failed(anyhow!("cannot listen on {address}: {error}; {advice}"))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn usage(option: &str, why: &str) -> CommandError {
    CommandError::Usage(format!("{option}: {why}"))
}
