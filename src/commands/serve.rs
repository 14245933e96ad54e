//! `daybook serve`: serves the dashboard until it is stopped.

mod notify;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::Router;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::api::{self, Api, Questions};

use crate::cli::Serve;
use crate::config::Config;
use crate::config::serve::{header, listen};
use crate::live::record::{Recorder, Writer};
use crate::live_alerts;
use crate::look::pages::{self, HOME, Site};
use crate::text::mistake::Mistake;
use crate::web::access::Access;
use crate::web::{self, Limits};

use super::live::unavailable;
use super::{CommandError, Ended, World};

/// Whoever asks to stop gets the end after this time, whatever is not written then.
const LONGEST_STOP: Duration = Duration::from_secs(30);

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
    let access = Arc::new(access);
    let (listener, address) = bind(address).await?;
    let intake = Intake::open(&config, &access, world).await?;
    let api = intake.as_ref().map(|intake| Arc::clone(&intake.api));
    let book = config.book.url.clone();
    let name = config.name.clone();
    let proxies = Arc::clone(&access.proxies);
    let site = Site::new(config.clone(), book, world.clock);
    let questions = config.live.as_ref().map(|live| {
        let (access, stop) = (Arc::clone(&access), world.stop.clone());
        let zone = config.time_zone;
        Arc::new(Questions::new(live, zone, world.clock, access, stop))
    });
    let router = router(site, access, api.clone(), questions.clone());
    tracing::info!(
        "the dashboard of {name} is at http://{address}{HOME}; stop it with Ctrl-C or SIGTERM"
    );
    if api.is_some() {
        tracing::info!("events are taken at http://{address}/api/events");
    }
    notify::supervisor(&world.environment, "READY=1");
    let stopping = async {
        world.stop.cancelled().await;
        notify::supervisor(&world.environment, "STOPPING=1");
    };
    let watching = async {
        if let Some(api) = &api {
            api.watch().await;
        }
    };
    let alerting = async {
        if let Some(live) = &config.live {
            live_alerts::watch(&config, live, world.clock, &world.stop).await;
        }
    };
    let stop = world.stop.clone();
    let serving = web::serve(listener, router, Limits::default(), proxies, stop);
    tokio::join!(serving, watching, alerting, stopping);
    if let Some(questions) = questions {
        questions.close().await;
    }
    if let Some(intake) = intake {
        intake.close().await?;
    }
    tracing::debug!("stopped");
    Ok(Ended::Done)
}

/// The way in for events, with the writer that they end up with.
struct Intake {
    api: Arc<Api>,
    writer: Option<Writer>,
}

impl Intake {
    async fn open(
        config: &Config,
        access: &Arc<Access>,
        world: &World,
    ) -> Result<Option<Self>, CommandError> {
        let Some(live) = config.live.as_ref().filter(|live| live.accepts) else {
            return Ok(None);
        };
        let zone = config.time_zone;
        let (recorder, writer) = if live.is_on {
            let opened = Recorder::open(live, zone, world.clock).await;
            let (recorder, writer) = opened.map_err(unavailable)?;
            (recorder, Some(writer))
        } else {
            tracing::warn!(
                "recording is off (`on = false`, or ENABLE_METRICS): events are checked and not kept"
            );
            (Recorder::off(live.kinds.clone(), world.clock), None)
        };
        let (access, stop) = (Arc::clone(access), world.stop.clone());
        let forwarding = writer.as_ref().and_then(Writer::forwarding);
        let api = Api::new(live, zone, recorder, access, stop).with_forwarding(forwarding);
        let api = Arc::new(api);
        Ok(Some(Self { api, writer }))
    }

    async fn close(self) -> Result<(), CommandError> {
        self.api.close().await;
        let Some(writer) = self.writer else {
            return Ok(());
        };
        let end = async { writer.stop().await?.close().await };
        match timeout(LONGEST_STOP, end).await {
            Ok(ended) => ended.map_err(unavailable),
            Err(_) => {
                let message = "stopped after 30 seconds with events that are not written";
                Err(CommandError::Unavailable(message.to_owned()))
            }
        }
    }
}

/// All routes of the server.
pub fn router(
    site: Site,
    access: Arc<Access>,
    api: Option<Arc<Api>>,
    questions: Option<Arc<Questions>>,
) -> Router {
    let for_programs = api::routes(api.clone(), questions.clone());
    let site = Arc::new(site.with_intake(api).with_questions(questions.clone()));
    let for_everybody = pages::for_everybody(site.clone());
    let for_readers = pages::for_readers(site.clone());
    web::router(
        for_everybody,
        for_readers,
        for_programs,
        access,
        move |code| site.problem_page(code),
    )
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
