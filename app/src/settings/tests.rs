//! Layers and their order, names, values, and what errors say.

use std::fs;

use super::*;

struct Case {
    folder: tempfile::TempDir,
    sources: Sources,
}

fn case(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Case {
    let folder = tempfile::tempdir().unwrap();
    if !file.is_empty() {
        fs::write(folder.path().join("relais.toml"), file).unwrap();
    }
    let mut sources = Sources {
        directory: folder.path().to_owned(),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        ..Sources::default()
    };
    flags.iter().for_each(|flag| sources.set(flag).unwrap());
    Case { folder, sources }
}

fn load(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, SettingsError> {
    Settings::load_from(&case(file, environment, flags).sources)
}

fn row(loaded: &Loaded, name: &str) -> (String, String) {
    let row = loaded.rows().into_iter().find(|row| row.name == name).unwrap();
    let source = match &row.source {
        Source::File(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
        other => other.to_string(),
    };
    (row.text(), source)
}

#[test]
fn each_layer_lies_over_the_one_before() {
    let file = "[http]\nlisten = '127.0.0.1:1'";
    let variable = ("RELAIS_HTTP__LISTEN", "127.0.0.1:2");
    let flag = "http.listen=127.0.0.1:3";
    for (file, environment, flags, value, source) in [
        ("", &[][..], &[][..], "127.0.0.1:8080", "default"),
        (file, &[], &[], "127.0.0.1:1", "relais.toml"),
        ("", &[variable], &[], "127.0.0.1:2", "RELAIS_HTTP__LISTEN"),
        (file, &[variable], &[], "127.0.0.1:2", "RELAIS_HTTP__LISTEN"),
        (file, &[], &[flag], "127.0.0.1:3", "--set"),
        (file, &[variable], &[flag], "127.0.0.1:3", "--set"),
        (file, &[variable], &["http.listen=127.0.0.1:4", flag], "127.0.0.1:3", "--set"),
    ] {
        let loaded = load(file, environment, flags).unwrap();
        assert_eq!(row(&loaded, "http.listen"), (value.to_owned(), source.to_owned()));
    }
}

#[test]
fn every_setting_can_be_set_in_every_layer() {
    for (name, toml, text, shown) in [
        ("service.name", "'shop'", "shop", "shop"),
        ("service.version", "'1.2.3-rc.1'", "1.2.3-rc.1", "1.2.3-rc.1"),
        ("service.about", "'sells tea'", "sells tea", "sells tea"),
        ("examples", "false", "false", "false"),
        ("cache", "'jetstream'", "jetstream", "jetstream"),
        ("http.listen", "'localhost:0'", "localhost:0", "127.0.0.1:0"),
        ("http.public_url", "'https://x.org'", "https://x.org", "https://x.org"),
        (
            "http.allowed_origins",
            "['https://a.org', 'http://b:1']",
            "https://a.org, http://b:1",
            "https://a.org, http://b:1",
        ),
        ("nats.listen", "'[::1]:4222'", "[::1]:4222", "[::1]:4222"),
        ("nats.websocket", "'127.0.0.1:0'", "127.0.0.1:0", "127.0.0.1:0"),
        ("nats.monitor", "'127.0.0.1:0'", "127.0.0.1:0", "127.0.0.1:0"),
        ("nats.url", "'nats://t@a:1,tls://b'", "nats://t@a:1,tls://b", "nats://***@a:1, tls://b"),
        ("nats.creds", "'/x/a.creds'", "/x/a.creds", "/x/a.creds"),
        ("nats.public_urls", "['tls://a:4222']", "tls://a:4222", "tls://a:4222"),
        ("nats.public_websocket", "['wss://a']", "wss://a", "wss://a"),
        ("http.trusted_proxies", "['10.0.0.0/8', '::1']", "10.0.0.0/8, ::1", "10.0.0.0/8, ::1/128"),
        ("nats.tls_ca", "'/ca.pem'", "/ca.pem", "/ca.pem"),
        ("nats.server", "'/bin/nats-server'", "/bin/nats-server", "/bin/nats-server"),
        ("sql.url", "'postgres://u:p@h/d'", "postgres://u:p@h/d", "postgres://***@h/d"),
        ("auth.proof", "'none'", "none", "none"),
        ("auth.verify", "true", "true", "true"),
        ("auth.hash_memory", "64", "64", "64"),
        ("auth.hash_passes", "3", "3", "3"),
        ("auth.limits.login_per_email", "'7 per 60s'", "7 per 60s", "7 per 1m"),
        ("auth.limits.mail_total", "'off'", "off", "off"),
        ("mail.smtp_password_file", "'/p'", "/p", "/p"),
        ("mail.tls_ca", "'/ca.pem'", "/ca.pem", "/ca.pem"),
        ("mail.from", "'Tea & Co <a@b.c>'", "Tea & Co <a@b.c>", "Tea & Co <a@b.c>"),
        ("mail.name", "'Tea & Co'", "Tea & Co", "Tea & Co"),
        ("nsc.creds_directory", "'/x'", "/x", "/x"),
        ("nsc.seal_key", "'hunter2'", "hunter2", "***"),
        ("nsc.seal_key_file", "'/k'", "/k", "/k"),
        ("nsc.operator", "'Acme'", "Acme", "Acme"),
        ("nsc.account", "'shop_1'", "shop_1", "shop_1"),
        ("nsc.expiry", "'30d'", "30d", "30d"),
        ("nsc.engine", "'nsc'", "nsc", "nsc"),
        ("nsc.path", "'/opt/nsc'", "/opt/nsc", "/opt/nsc"),
        (
            "nsc.allow_pub",
            "['from.{user}.a', 'from.{user}.b.>']",
            "from.{user}.a, from.{user}.b.>",
            "from.{user}.a, from.{user}.b.>",
        ),
        ("nsc.allow_sub", "['to.{user}.>']", "to.{user}.>", "to.{user}.>"),
        ("nsc.force", "['weather.>']", "weather.>", "weather.>"),
        ("nsc.resolver_brokers", "['10.0.0.7', '::1']", "10.0.0.7, ::1", "10.0.0.7, ::1"),
        ("log", "'relais=debug,warn'", "relais=debug,warn", "relais=debug,warn"),
        ("data", "'/d'", "/d", "/d"),
    ] {
        let variable = format!("RELAIS_{}", name.replace('.', "__").to_uppercase());
        let from_file = load(&format!("{name} = {toml}"), &[], &[]).unwrap();
        let from_variable = load("", &[(&variable, text)], &[]).unwrap();
        let from_flag = load("", &[], &[&format!("{name}={text}")]).unwrap();
        for (loaded, source) in [(from_file, "relais.toml"), (from_variable, variable.as_str()), (from_flag, "--set")] {
            assert_eq!(row(&loaded, name), (shown.to_owned(), source.to_owned()), "{name}");
        }
    }
}

#[test]
fn an_empty_value_takes_an_optional_setting_back() {
    let loaded = load("sql.url = 'sqlite:x'\nexamples = true", &[("RELAIS_SQL__URL", "")], &["examples="]).unwrap();
    assert!(loaded.settings.sql.url.is_none());
    assert_eq!(loaded.settings.examples, None);
    assert!(load("", &[("RELAIS_DATA", "")], &[]).is_err());
}

#[test]
fn paths_of_a_file_are_relative_to_it() {
    let case = case("data = 'd'", &[], &[]);
    let elsewhere = Sources {
        directory: PathBuf::from("/"),
        file: Some(case.folder.path().join("relais.toml")),
        ..Sources::default()
    };
    assert_eq!(Settings::load_from(&elsewhere).unwrap().settings.data, case.folder.path().join("d"));
    assert_eq!(Settings::load_from(&case.sources).unwrap().settings.data, PathBuf::from("d"));
}

#[test]
fn nsc_variables_are_shared_with_the_real_nsc() {
    let environment = [("NSC_OPERATOR", "acme"), ("NSC_HOME", "/x"), ("NSC_NO_GIT_IGNORE", "1"), ("NSC_ACCOUNT", "a")];
    let loaded = load("", &environment, &[]).unwrap();
    assert_eq!(row(&loaded, "nsc.operator"), ("acme".to_owned(), "NSC_OPERATOR".to_owned()));
    for order in [[0, 1], [1, 0]] {
        let both = [("RELAIS_NSC__OPERATOR", "ours"), ("NSC_OPERATOR", "theirs")];
        assert_eq!(load("", &order.map(|at| both[at]), &[]).unwrap().settings.nsc.operator, "ours");
    }
    let ours = [("NSC_ENGINE", "nsc"), ("NSC_EXPIRY", "30d"), ("NSC_ALLOW_PUB", "from.{user}.x"), ("NSC_PATH", "/n")];
    let loaded = load("", &ours, &[]).unwrap();
    for (variable, value) in ours {
        let name = format!("nsc.{}", variable.strip_prefix("NSC_").unwrap().to_lowercase());
        assert_eq!(row(&loaded, &name), (value.to_owned(), variable.to_owned()));
    }
    // Those of nsc itself, and whatever it may bring one day.
    let theirs = [("NSC_HOME", "/x"), ("NSC_CWD_ONLY", "1"), ("NSC_NO_GIT_IGNORE", "1"), ("NSC_TEST_OPERATOR", "x")];
    assert!(load("", &theirs, &[]).is_ok());
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    for (file, variable, flag, expected) in [
        ("[http]\nlistn = 'x'", None, None, "sets http.listn, which is no setting; did you mean http.listen?"),
        ("listen = 'x'", None, None, "sets listen, which is no setting; did you mean http.listen?"),
        ("[htp]\nlisten = 'x'", None, None, "sets htp, which is no setting"),
        ("http = 5", None, None, "sets http, which is no setting"),
        (
            "",
            Some("RELAIS_HTTP_LISTEN"),
            None,
            "RELAIS_HTTP_LISTEN sets http_listen, which is no setting; did you mean RELAIS_HTTP__LISTEN?",
        ),
        ("", Some("RELAIS_NSC__OPERATR"), None, "did you mean RELAIS_NSC__OPERATOR?"),
        ("", None, Some("natsurl=x"), "--set sets natsurl, which is no setting; did you mean nats.url?"),
        ("", None, Some("qqqqqqqqqqqqqqqqqqq=x"), "--set sets qqqqqqqqqqqqqqqqqqq, which is no setting"),
    ] {
        let environment: Vec<_> = variable.map(|name| (name, "x")).into_iter().collect();
        let flags: Vec<_> = flag.into_iter().collect();
        let error = load(file, &environment, &flags).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for other in ["RELAIS_TEST_S3_ENDPOINT", "RELAIS_CONFIG", "RELAIS_PROFILE", "RELAIS_TOOLS", "RELAISX", "PATH"] {
        assert!(load("", &[(other, "x")], &[]).is_ok(), "{other}");
    }
}

#[test]
fn wrong_values_are_told_with_their_source() {
    for (assignment, given, expected) in [
        ("http.listen=8080", "\"8080\"", "an address and port"),
        ("http.public_url=example.org", "\"example.org\"", "an http:// or https:// address"),
        ("http.public_url=https://u:p@example.org", "", "without user name"),
        ("http.allowed_origins=*", "\"*\"", "origins such as"),
        ("http.allowed_origins=https://a.org/path", "/path", "without a path"),
        ("nats.monitor=0.0.0.0:8222", "0.0.0.0:8222", "loopback"),
        ("http.trusted_proxies=10.0.0.0/33", "10.0.0.0/33", "networks such as"),
        ("http.trusted_proxies=proxy.internal", "proxy.internal", "networks such as"),
        ("service.name=My Shop", "My Shop", "1 to 32 characters"),
        ("service.version=two", "two", "three numbers"),
        ("service.version=1.2", "1.2", "three numbers"),
        ("examples=yes", "yes", "true or false"),
        ("cache=redis", "redis", "memory (each process its own), or jetstream"),
        ("auth.proof=passkey", "passkey", "a mailed code"),
        ("auth.verify=perhaps", "perhaps", "true or false"),
        ("auth.hash_memory=6", "6", "from 7 to 1024"),
        ("auth.hash_passes=0", "0", "from 1 to 64"),
        ("auth.limits.login_total=5/m", "5/m", "5 per 1m"),
        ("mail.from=tea", "tea", "a name and an address"),
        ("mail.name=", "", "one line"),
        ("nsc.operator=../x", "../x", "letters, digits"),
        ("nsc.operator=-x", "-x", "letters, digits"),
        ("nsc.expiry=6 months", "6 months", "6M"),
        ("nsc.expiry=-1d", "-1d", "6M"),
        ("nsc.resolver_brokers=broker.internal", "broker.internal", "IP addresses"),
        ("nsc.engine=gpg", "gpg", "native, or nsc"),
        ("nsc.roles=courier", "courier", "[nsc.roles.NAME]"),
        ("log=a=b=c", "a=b=c", "a filter"),
    ] {
        let error = load("", &[], &[assignment]).unwrap_err().to_string();
        assert!(error.starts_with("--set sets "), "{error}");
        assert!(error.contains(given) && error.contains(expected), "{error}");
    }
    let error = load("[http]\nlisten = 8080", &[], &[]).unwrap_err().to_string();
    assert!(error.contains("relais.toml sets http.listen to \"8080\"; expected an address"), "{error}");
}

#[test]
fn no_error_and_no_row_shows_a_secret() {
    for assignment in [
        "sql.url=hunter2",
        "sql.url=foo://u:hunter2@h",
        "nats.url=hunter2@host",
        "mail.smtp_url=hunter2@host",
        "mail.smtp_url=http://u:hunter2@h",
        "mail.smtp_url=smtp://u:hunter2@h",
        "mail.smtp_url=smtps://u:hunter2@h",
        "nats.url=foo://u:hunter2@h",
        "nats.url=nats://a,foo://u:hunter2@h",
        "nats.url=foo://u:hunter2@h,nats://ok@b",
        "http.public_url=https://u:hunter2@h",
        "http.allowed_origins=https://ok,https://u:hunter2@h",
        "nats.public_urls=tls://u:hunter2@h",
        "nats.public_websocket=wss://ok,wss://u:hunter2@h",
    ] {
        let error = format!("{:?}", load("", &[], &[assignment]).unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = format!("{:?}", load("[nats]\nurl = ['foo://u:hunter2@h']", &[], &[]).unwrap_err());
    assert!(!error.contains("hunter2"), "{error}");
    let error = format!("{:?}", load("[nats]\npublic_urls = ['tls://u:hunter2@h']", &[], &[]).unwrap_err());
    assert!(!error.contains("hunter2"), "{error}");
    let error = format!("{:?}", load("[sql]\nurl = 'hunter2", &[], &[]).unwrap_err());
    assert!(!error.contains("hunter2") && error.contains("line: 2"), "{error}");
    let error = format!("{:?}", load("[nsc]\nseal_key = ['hunter2']", &[], &[]).unwrap_err());
    assert!(!error.contains("hunter2"), "{error}");
    let error = load("", &[], &["nsc.seal_key=foo://hunter2", "nsc.seal_key_file=x"]).unwrap_err();
    assert!(matches!(error, SettingsError::TwoSealKeys) && !format!("{error:?} {error}").contains("hunter2"));
    let mail = ["mail.smtp_url=smtps://u:hunter2@h", "mail.from=a@b.c"];
    let set = ["sql.url=postgres://u:hunter2@h/d", "nats.url=nats://hunter2@h", "nsc.seal_key=hunter2"];
    let set = [&set[..], &mail[..]].concat();
    let loaded = load("", &[], &set).unwrap();
    assert!(!format!("{loaded:?} {:?}", loaded.rows()).contains("hunter2"));
    assert_eq!(loaded.rows().iter().filter(|row| row.secret).count(), 4);
}

#[test]
fn a_named_file_has_to_be_there() {
    let mut case = case("", &[], &[]);
    assert!(Settings::load_from(&case.sources).is_ok());
    case.sources.file = Some("absent.toml".into());
    assert!(matches!(Settings::load_from(&case.sources), Err(SettingsError::Unreadable { .. })));
    assert!(matches!(case.sources.set("data"), Err(SettingsError::NoEquals(_))));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_told() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut sources = case("", &[], &[]).sources;
    sources.environment.push(("RELAIS_DATA".into(), std::ffi::OsString::from_vec(vec![0xff])));
    assert!(matches!(Settings::load_from(&sources), Err(SettingsError::NotText(name)) if name == "RELAIS_DATA"));
}

#[test]
fn believing_everybody_needs_loopback() {
    assert!(load("", &[], &["auth.proof=none"]).is_ok());
    let error = load("", &[], &["auth.proof=none", "http.listen=0.0.0.0:8080"]).unwrap_err();
    assert!(matches!(error, SettingsError::OpenDoor { .. }));
    let error = load("", &[], &["auth.proof=none", "behind_proxy=true"]).unwrap_err();
    assert!(matches!(error, SettingsError::OpenProxy), "{error}");
}

#[test]
fn what_others_reach_needs_tls() {
    for setting in ["http.listen", "nats.listen", "nats.websocket"] {
        let open = format!("{setting}=0.0.0.0:1");
        let error = load("", &[], &[&open]).unwrap_err();
        assert!(matches!(&error, SettingsError::Plain { setting: own, .. } if *own == setting), "{error}");
        assert!(load("", &[], &[&open, "behind_proxy=true"]).is_ok(), "{setting}");
    }
    assert!(load("", &[], &["nats.monitor=0.0.0.0:1", "behind_proxy=true"]).is_err(), "monitoring stays on loopback");
    let own = ["http.listen=0.0.0.0:1", "nats.listen=0.0.0.0:2", "nats.websocket=[::]:3"];
    let (http, nats) = (["http.tls_cert=c", "http.tls_key=k"], ["nats.tls_cert=c", "nats.tls_key=k"]);
    assert!(load("", &[], &[&own[..], &http, &nats].concat()).is_ok());
    for (tls, missing) in [(nats, "http.listen"), (http, "nats.listen")] {
        let error = load("", &[], &[&own[..], &tls].concat()).unwrap_err();
        assert!(matches!(&error, SettingsError::Plain { setting, .. } if *setting == missing), "{error}");
        assert!(error.to_string().contains(&missing.replace("listen", "tls_cert")), "{error}");
    }
    let error = load("", &[], &[&own[2..], &http].concat()).unwrap_err();
    assert!(matches!(&error, SettingsError::Plain { setting: "nats.websocket", .. }), "{error}");
}

#[test]
fn a_certificate_and_its_key_go_together() {
    for (set, missing) in [
        ("http.tls_cert", "http.tls_key"),
        ("http.tls_key", "http.tls_cert"),
        ("nats.tls_cert", "nats.tls_key"),
        ("nats.tls_key", "nats.tls_cert"),
    ] {
        let error = load("", &[], &[&format!("{set}=x.pem")]).unwrap_err().to_string();
        assert_eq!(error, format!("{set} is set and {missing} is not; a certificate and its key go together"));
        let variable = |name: &str| format!("RELAIS_{}", name.replace('.', "__").to_uppercase());
        let file = load(&format!("{set} = '/x.pem'\n{missing} = '/y.pem'"), &[], &[]).unwrap();
        let variables = load("", &[(&variable(set), "/x.pem"), (&variable(missing), "/y.pem")], &[]).unwrap();
        let flags = load("", &[], &[&format!("{set}=/x.pem"), &format!("{missing}=/y.pem")]).unwrap();
        for loaded in [file, variables, flags] {
            assert_eq!([row(&loaded, set).0, row(&loaded, missing).0], ["/x.pem", "/y.pem"]);
        }
    }
}
