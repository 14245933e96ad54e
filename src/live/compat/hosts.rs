//! Heartbeats as a host monitor's agents send them, and samples as its readers know them.

use serde::Serialize;
use serde_json::{Map, Number as JsonNumber, Value as Json};

use super::super::columns::Columns;
use super::super::event::{self, Event, Number, Refused, refused};
use super::super::point;

/// The kind that a heartbeat becomes.
pub const KIND: &str = "host";
/// The labels that say which host it is and whose.
pub const HOST: &str = "host";
pub const ORGANISATION: &str = "organisation";

/// Values of the kind, and where in a sample they are.
const NUMBERS: [(&str, &str, &str); 14] = [
    ("cpu", "cpu", "usage"),
    ("cores", "cpu", "cores"),
    ("memory_total", "memory", "total"),
    ("memory_used", "memory", "used"),
    ("memory_free", "memory", "free"),
    ("memory", "memory", "usagePercent"),
    ("disk_total", "disk", "total"),
    ("disk_used", "disk", "used"),
    ("disk_free", "disk", "free"),
    ("disk", "disk", "usagePercent"),
    ("bytes_in", "network", "bytesIn"),
    ("bytes_out", "network", "bytesOut"),
    ("packets_in", "network", "packetsIn"),
    ("packets_out", "network", "packetsOut"),
];
/// Load averages, with the names that Go agents give them in `cpu`.
const LOADS: [(&str, &str); 3] = [
    ("load1", "loadAvg1"),
    ("load5", "loadAvg5"),
    ("load15", "loadAvg15"),
];
const LOAD: &str = "loadAvg";
/// Agents that do not say how many cores there are have one.
const CORES: &str = "cores";

/// What is told of a host beside its sample.
const OF_AGENT: [&str; 3] = ["agentVersion", "agentStatus", "agentPid"];
const OF_GO_AGENT: [&str; 3] = ["hostname", "agentVersion", "agentStatus"];
const OF_NETWORK: [(&str, &str); 2] = [("primary_ip", "primaryIp"), ("primary_mac", "primaryMac")];
/// Names that a host has anyway.
const TAKEN: [&str; 4] = ["id", "organizationId", "lastSeen", "currentMetrics"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    /// Sends samples as they are answered.
    First,
    Go,
}

/// What an agent says of its host.
#[derive(Debug)]
pub struct Heartbeat {
    agent: Agent,
    pub host: String,
    /// It says enough of its host to make it known.
    pub introduces: bool,
    fields: Map<String, Json>,
}

impl Heartbeat {
    /// `{hostId, agentVersion, agentStatus, metrics, hostInfo}`; without an id the host is called by its name.
    pub fn of_agent(body: Map<String, Json>) -> Result<Self, Refused> {
        let info = object(&body, "hostInfo", "hostInfo")?;
        let named = match text(&body, "hostId")? {
            None => info.map(|info| text(info, "hostname")).transpose()?,
            host => Some(host),
        };
        let host = named.flatten();
        Ok(Self {
            agent: Agent::First,
            host: host.ok_or_else(|| refused("hostId", "hostId is required"))?,
            introduces: info.is_some(),
            fields: body,
        })
    }

    /// `{hostId, heartbeat: {hostname, agentVersion, agentStatus, network, metrics}}`.
    pub fn of_go_agent(mut body: Map<String, Json>) -> Result<Self, Refused> {
        let host = text(&body, "hostId")?;
        let host = host.ok_or_else(|| refused("hostId", "hostId is required"))?;
        match body.remove("heartbeat") {
            Some(Json::Object(fields)) => Ok(Self {
                agent: Agent::Go,
                host,
                introduces: true,
                fields,
            }),
            _ => Err(refused("heartbeat", "expected an object")),
        }
    }

    /// The sample, which is of now whatever the heartbeat says. A number that is missing is 0.
    pub fn event(
        &self,
        organisation: &str,
        about: &Map<String, Json>,
    ) -> Result<Event<'_>, Refused> {
        let mut event = Event::new(KIND)
            .label(HOST, self.host.as_str())
            .label(ORGANISATION, organisation.to_owned());
        for (value, number) in self.values()? {
            event = event.value(value, number);
        }
        if !about.is_empty() {
            event = event.details(Json::Object(about.clone()));
        }
        Ok(event)
    }

    fn values(&self) -> Result<Vec<(&'static str, Number)>, Refused> {
        let path = self.path();
        let metrics = object(&self.fields, "metrics", &path)?;
        if metrics.is_none() && self.agent == Agent::First {
            return Err(refused(path, "missing"));
        }
        let part = |part: &str| match metrics {
            Some(metrics) => object(metrics, part, &format!("{path}.{part}")),
            None => Ok(None),
        };
        let mut values = Vec::new();
        for (value, group, name) in NUMBERS {
            let numbers = part(group)?;
            let json = numbers.and_then(|numbers| match (self.agent, name) {
                (Agent::Go, "free") => numbers.get("available").or(numbers.get(name)),
                // What Go agents say of their network are addresses.
                (Agent::Go, _) if group == "network" => None,
                _ => numbers.get(name),
            });
            let left_out = i64::from(value == CORES);
            let number = number(json, || self.field(value))?;
            values.push((value, number.unwrap_or(left_out.into())));
        }
        let loads = self.loads(part("cpu")?)?;
        values.extend(LOADS.iter().map(|(value, _)| *value).zip(loads));
        Ok(values)
    }

    fn loads(&self, cpu: Option<&Map<String, Json>>) -> Result<[Number; 3], Refused> {
        let mut loads = [Number::Whole(0); 3];
        let list = match cpu.and_then(|cpu| cpu.get(LOAD)) {
            None | Some(Json::Null) => &[],
            Some(Json::Array(list)) if list.len() <= loads.len() => list.as_slice(),
            Some(_) if self.agent == Agent::Go => &[],
            Some(_) => {
                let field = format!("{}.cpu.{LOAD}", self.path());
                return Err(refused(field, "expected a list of at most 3 numbers"));
            }
        };
        for (place, (value, name)) in LOADS.iter().enumerate() {
            let json = match self.agent {
                Agent::First => list.get(place),
                Agent::Go => cpu.and_then(|cpu| cpu.get(*name)),
            };
            loads[place] = number(json, || self.field(value))?.unwrap_or(loads[place]);
        }
        Ok(loads)
    }

    /// What is known of the host with what this heartbeat says; text, numbers and true or false, up to so many bytes.
    pub fn about(&self, mut known: Map<String, Json>, most: usize) -> Map<String, Json> {
        let empty = Map::new();
        let part = |name| object(&self.fields, name, name).ok().flatten();
        let (own, other): (_, Vec<(&str, &Json)>) = match self.agent {
            Agent::First => {
                let info = part("hostInfo").unwrap_or(&empty);
                let pairs = info.iter().map(|(name, json)| (name.as_str(), json));
                (OF_AGENT, pairs.collect())
            }
            Agent::Go => {
                let network = part("network").unwrap_or(&empty);
                let pairs = OF_NETWORK.map(|(theirs, ours)| Some((ours, network.get(theirs)?)));
                (OF_GO_AGENT, pairs.into_iter().flatten().collect())
            }
        };
        let own = own.map(|name| Some((name, self.fields.get(name)?)));
        for (name, json) in own.into_iter().flatten().chain(other) {
            let is_plain = json.is_string() || json.is_number() || json.is_boolean();
            if !is_plain || TAKEN.contains(&name) || known.get(name) == Some(json) {
                continue;
            }
            known.insert(name.to_owned(), json.clone());
            if size(&known) > most {
                known.shift_remove(name);
            }
        }
        known
    }

    /// Says it of the heartbeat's own field.
    pub fn named(&self, refused: Refused) -> Refused {
        let field = match refused.field.split_once('.') {
            Some(("values", value)) => self.field(value),
            Some(("labels", HOST)) => "hostId".to_owned(),
            _ => refused.field,
        };
        Refused { field, ..refused }
    }

    /// Where a value stands in the body.
    fn field(&self, value: &str) -> String {
        let path = self.path();
        let place = LOADS.iter().position(|(load, _)| *load == value);
        let number = NUMBERS.iter().find(|(known, ..)| *known == value);
        match (self.agent, place, number) {
            (Agent::First, Some(place), _) => format!("{path}.cpu.{LOAD}[{place}]"),
            (Agent::Go, Some(place), _) => format!("{path}.cpu.{}", LOADS[place].1),
            (Agent::Go, _, Some((_, part, "free"))) => format!("{path}.{part}.available"),
            (_, _, Some((_, part, name))) => format!("{path}.{part}.{name}"),
            (_, None, None) => path,
        }
    }

    fn path(&self) -> String {
        match self.agent {
            Agent::First => "metrics".to_owned(),
            Agent::Go => "heartbeat.metrics".to_owned(),
        }
    }
}

/// A text or a whole number; an empty text is none.
pub fn text(fields: &Map<String, Json>, name: &str) -> Result<Option<String>, Refused> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Json::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(_) => Err(refused(name, "expected text")),
    }
}

fn object<'m>(
    fields: &'m Map<String, Json>,
    name: &str,
    path: &str,
) -> Result<Option<&'m Map<String, Json>>, Refused> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(_) => Err(refused(path, "expected an object")),
    }
}

fn number(json: Option<&Json>, field: impl FnOnce() -> String) -> Result<Option<Number>, Refused> {
    let number = json.map(event::number).transpose();
    let number = number.map_err(|_| refused(field(), "expected a number"))?;
    Ok(number.flatten())
}

fn size(fields: &Map<String, Json>) -> usize {
    serde_json::to_string(fields).map_or(usize::MAX, |text| text.len())
}

/// A sample as the monitor answers it, its fields in that order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample<'p> {
    host_id: &'p str,
    /// Milliseconds since 1970 in UTC.
    timestamp: i64,
    cpu: Cpu,
    memory: Space,
    disk: Space,
    network: Network,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cpu {
    usage: JsonNumber,
    cores: JsonNumber,
    load_avg: [JsonNumber; 3],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Space {
    total: JsonNumber,
    used: JsonNumber,
    free: JsonNumber,
    usage_percent: JsonNumber,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    bytes_in: JsonNumber,
    bytes_out: JsonNumber,
    packets_in: JsonNumber,
    packets_out: JsonNumber,
}

/// One of the points of the kind `host`. A value that it does not have is 0, or one core.
pub fn sample(points: &Columns, place: usize) -> Sample<'_> {
    let number = |name: &str| {
        let number = points.value(name);
        let number = number.and_then(|numbers| point::number(numbers, place));
        as_in_javascript(number.unwrap_or_else(|| u64::from(name == CORES).into()))
    };
    let space = |name: &str| Space {
        total: number(&format!("{name}_total")),
        used: number(&format!("{name}_used")),
        free: number(&format!("{name}_free")),
        usage_percent: number(name),
    };
    Sample {
        host_id: points.label(HOST).map_or("", |hosts| hosts.text(place)),
        timestamp: points.at[place].div_euclid(1000),
        cpu: Cpu {
            usage: number("cpu"),
            cores: number(CORES),
            load_avg: LOADS.map(|(load, _)| number(load)),
        },
        memory: space("memory"),
        disk: space("disk"),
        network: Network {
            bytes_in: number("bytes_in"),
            bytes_out: number("bytes_out"),
            packets_in: number("packets_in"),
            packets_out: number("packets_out"),
        },
    }
}

/// 42 and not 42.0.
fn as_in_javascript(number: JsonNumber) -> JsonNumber {
    let whole = number.as_f64().filter(|float| {
        number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0
    });
    whole.map_or(number, |float| (float as i64).into())
}
