//! A Postfix for one test: on free ports of this machine, with TLS, passwords and mailboxes of its own, gone
//! with the test. Debian's own service is left alone. It must be started by root, as Postfix is.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::certificates::Authority;

pub(crate) struct Postfix {
    folder: PathBuf,
    pub(crate) starttls_port: u16,
    pub(crate) tls_port: u16,
    guardian: Child,
}

/// `$1` is the folder. Ends the server and removes its folder when the test process, however it ends, lets
/// go of its input.
const GUARDIAN: &str = r#"
folder=$1
postfix -c "$folder/etc" start-fg </dev/null >"$folder/out" 2>&1 &
server=$!
cat >/dev/null
postfix -c "$folder/etc" stop >/dev/null 2>&1
wait "$server"
rm -rf "$folder"
"#;

const MASTER: &str = "
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// User `ada` with the password `s3cret` may write as `daybook@example.org`; `bea` and `chris` have mailboxes.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        open_to_all(&folder);
        let (starttls_port, tls_port) = free_ports();
        furnish(&folder, starttls_port, tls_port);
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let postfix = Self {
            folder,
            starttls_port,
            tls_port,
            guardian,
        };
        let up = (0..600).any(|_| {
            let up = greets(starttls_port);
            if !up {
                std::thread::sleep(Duration::from_millis(100));
            }
            up
        });
        assert!(
            up,
            "Postfix did not start (are these tests run by root?): {}",
            postfix.log()
        );
        postfix
    }

    /// What a `ca_file` names.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The messages in a mailbox, once there are so many.
    pub(crate) fn mailbox(&self, name: &str, count: usize) -> Vec<Vec<u8>> {
        let folder = self.folder.join("mail").join(name).join("new");
        for _ in 0..600 {
            let found = std::fs::read_dir(&folder).into_iter().flatten();
            let mut files: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
            if files.len() >= count {
                files.sort();
                let read = files.iter().map(|path| std::fs::read(path).unwrap());
                return read.collect();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("fewer than {count} messages for {name}: {}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name));
        read("out").unwrap_or_default() + &read("log").unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        drop(self.guardian.wait());
    }
}

fn furnish(folder: &Path, starttls_port: u16, tls_port: u16) {
    for name in ["etc/sasl", "data", "spool", "mail"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let authority = Authority::new();
    let identity = authority.identity("localhost");
    write("authority.pem", authority.pem());
    write("server.pem", &identity.certificate);
    write("server.key", &identity.key);
    write("etc/main.cf", &main_cf(&folder.display().to_string()));
    write(
        "etc/master.cf",
        &format!(
            "127.0.0.1:{starttls_port} inet n - n - - smtpd\n127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes{MASTER}"
        ),
    );
    let passwords = folder.join("passwords");
    write(
        "etc/sasl/smtpd.conf",
        &format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {}\n",
            passwords.display()
        ),
    );
    let mut setting = Command::new("saslpasswd2")
        .args(["-p", "-c", "-u", "mail.example.org", "-f"])
        .args([&passwords])
        .arg("ada")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("saslpasswd2: {error}; `make needed` installs it"));
    setting.stdin.take().unwrap().write_all(b"s3cret").unwrap();
    assert!(setting.wait().unwrap().success());
    let given = Command::new("chown")
        .arg("postfix")
        .args([folder.join("data"), passwords])
        .status();
    assert!(given.unwrap().success(), "there is no user `postfix`");
    let given = Command::new("chown")
        .arg("65534:65534")
        .arg(folder.join("mail"))
        .status();
    assert!(given.unwrap().success());
}

fn main_cf(folder: &str) -> String {
    format!(
        "compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{bea@example.org = bea/}}, {{chris@example.org = chris/}} }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sender_login_maps = inline:{{ {{daybook@example.org = ada}} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_delay_reject = no
smtpd_forbid_bare_newline = yes
message_size_limit = 300000
strict_rfc821_envelopes = yes
"
    )
}

fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn free_ports() -> (u16, u16) {
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (listen(), listen());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    (port(&one), port(&other))
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    read.is_ok() && line.starts_with("220 ")
}
