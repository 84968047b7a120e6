//! Claims of every kind, good ones and some hundreds with one thing changed, rule by rule.

use serde_json::{Value, json};

/// The kinds of claims, by the golden file that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Operator,
    Account,
    Importer,
    User,
    Activation,
    Request,
    Response,
}

/// How our verdict may differ from the library's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// Not at all.
    Same,
    /// We refuse what the library takes, and mean to.
    Stricter,
    /// We write what the library loses.
    Keeps,
}

/// One body of claims.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) kind: Kind,
    pub(super) what: String,
    pub(super) claims: Value,
    pub(super) expect: Expect,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Operator, Self::Account, Self::Importer, Self::User, Self::Activation, Self::Request, Self::Response];

    /// The golden JWT, and the name of the key that signed it.
    pub(super) fn golden(self) -> (&'static str, &'static str) {
        macro_rules! golden {
            ($name:literal) => {
                include_str!(concat!("../../../../domain/src/credentials/golden/", $name, ".jwt")).trim_ascii()
            };
        }
        match self {
            Self::Operator => (golden!("nsc/operator"), "operator"),
            Self::Account => (golden!("nsc/account"), "operator"),
            Self::Importer => (golden!("nsc/importer"), "operator"),
            Self::User => (golden!("nsc/user"), "account_signing"),
            Self::Activation => (golden!("nsc/activation"), "account_signing"),
            Self::Request => (golden!("authorization_request"), "server"),
            Self::Response => (golden!("authorization_response"), "account_signing"),
        }
    }

    pub(super) fn claims(self) -> Value {
        serde_json::from_slice(&super::payload(self.golden().0)).unwrap()
    }
}

const OPERATOR: &str = "OCFIRY65OQE7DFP5KLNS2PF2LVZMUZYJX4OZIEQ36N2IQANUB5XVYOCS";
const ACCOUNT: &str = "ADWUSKGGFDI4FRXK5EBTRECZSVQSSWJHHJOGH6JWG3AUMFFMQ435D6HD";
const ROLE: &str = "ABXHUHG5FGYLPD6RHL2MKWMP572O6KUXCZXDZJXS4T57ZTMAKBN7DAQI";
const USER: &str = "UDVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCYSJF";
const SERVER: &str = "NAJZR5RMNUNEK7CRXJVEWXZ5XUXWT7FJGILCDDOITF7EC26RPWJ4V6GV";
const CURVE: &str = "XBL5WSZVT4R24XQUNZHCKEQFM4CHEJIGGSGBKDAUOU6QZEZ5ATKCD722";

/// Puts `value` where the pointer says, or takes away what is there when it is `None`. An index at the end is put in.
pub(super) fn put(claims: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/");
    match (claims.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is there")), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(last, value)),
        (Value::Object(map), None) => drop(map.remove(&last)),
        (Value::Array(list), Some(value)) => {
            let at: usize = last.parse().unwrap();
            if at < list.len() { list[at] = value } else { list.push(value) }
        }
        (other, _) => panic!("{other} holds nothing"),
    }
}

/// What is not quite a subject, or is one.
fn subjects() -> Vec<Value> {
    let long = "x.".repeat(300) + "x";
    let texts = [
        "",
        " ",
        "a b",
        "a  b",
        ".a",
        "a.",
        ".",
        "a..b",
        "a.>.b",
        ">",
        "*",
        "*.a",
        "a.*",
        "a.*.b",
        "a.>",
        "a*",
        "$1",
        "é.\u{2028}",
        "\u{7f}\"\\\n.\u{0}",
        &long,
    ];
    texts.map(|text| json!(text)).to_vec()
}

fn urls() -> Vec<Value> {
    let texts = [
        "",
        "nats://host",
        "NATS://host:4222",
        "tls://a.b",
        "ws://x",
        "wss://x",
        "http://x",
        "https://u@h",
        "nats://u:p@h:1",
        "nats://h/p",
        "nats://h?q",
        "nats://h#f",
        "host:4222",
        "localhost",
        "://x",
        "a b://x",
        "nats://h:port",
        "nats://[::1]:4222",
        "nats://[::1",
        "nats://a:b:c",
        "http://a:1:2",
        "nats://%zz",
        "nats://%41",
        "nats://h/%zz",
        "nats://h\u{7f}",
        "nats:opaque",
        "nats:///path",
        "*",
        "/path",
        "//host/x",
        "1:2",
        "nats://é",
        "nats://a b",
        "nats://a#%g",
        "nats://[1.2.3.4]",
        "nats://u^x@h",
        "x:[y",
        "nats://a[b]",
        "///a",
        "http://",
        "http://:80",
        "a%b:c/d",
    ];
    texts.map(|text| json!(text)).to_vec()
}

fn keys() -> Vec<Value> {
    [
        OPERATOR,
        ACCOUNT,
        USER,
        SERVER,
        CURVE,
        "*",
        "A",
        "foo",
        "ADWUSKGGFDI4FRXK5EBTRECZSVQSSWJHHJOGH6JWG3AUMFFMQ435D6HE",
    ]
    .map(|text| json!(text))
    .to_vec()
}

fn permissions() -> Vec<Value> {
    ["a", "a q", "a  q", "a b c", "", " ", " a", "a ", "a..b q", "a q.", "{{tag(user)}}.>", ">", "a.>.b"]
        .map(|text| json!([text]))
        .to_vec()
}

fn named(length: usize) -> Value {
    json!("x".repeat(length))
}

/// What is changed in a kind of claims: where, to what, and how the verdicts may differ.
type Change = (Kind, &'static str, Vec<Value>, Expect);

fn changes() -> Vec<Change> {
    use Expect::{Keeps, Same, Stricter};
    use Kind::{Account as A, Activation as V, Importer as I, Operator as O, Request as Q, Response as P, User as U};
    let mut all: Vec<Change> = Vec::new();
    for kind in Kind::ALL {
        all.push((kind, "/exp", vec![json!(1), json!(0), json!(-5), json!(4_000_000_000_i64)], Same));
        all.push((kind, "/nbf", vec![json!(1), json!(0), json!(-5), json!(4_000_000_000_i64)], Same));
        all.push((kind, "/aud", vec![json!(SERVER), json!("")], Same));
        all.push((
            kind,
            "/name",
            vec![json!(""), json!("<&>\u{2028}\"\\é\u{1}\u{8}\u{c}\t\r\n\u{7f}"), json!(null)],
            Same,
        ));
        all.push((kind, "/nats/tags", vec![json!([]), json!(["A", " b ", ""]), json!(null)], Same));
        all.push((kind, "/nats/later", vec![json!({"a": [1, null]})], Keeps));
        all.push((kind, "/nats/version", vec![json!(3), json!(2.5), json!("2")], Same));
        all.push((kind, "/nats/version", vec![json!(1)], Stricter));
        all.push((kind, "/type", vec![json!("user")], Stricter));
        all.push((kind, "/iss", keys(), Same));
        all.push((kind, "/nats/type", vec![json!("server"), json!("cluster"), json!(7)], Same));
    }
    all.extend([
        (O, "/nats/signing_keys/0", keys(), Same),
        (O, "/nats/system_account", keys(), Same),
        (O, "/nats/account_server_url", urls(), Same),
        (O, "/nats/operator_service_urls/0", urls(), Same),
        (O, "/nats/assert_server_version", ["", "2.10.0", "2", "2.1", "a.b.c", "1.b.c", "1.2.c", "-1.2.3", "1.2.3.4", "1.2.99999999999999999999", "+1.2.3"].map(|v| json!(v)).to_vec(), Same),
        (O, "/nats/strict_signing_key_usage", vec![json!(true), json!(1)], Same),
        (O, "/sub", vec![json!(ACCOUNT), json!("x")], Stricter),
        (A, "/sub", vec![json!(USER), json!("x")], Stricter),
        (U, "/sub", vec![json!(ACCOUNT), json!("x")], Stricter),
        (V, "/sub", vec![json!(USER), json!("x")], Stricter),
        (P, "/sub", vec![json!(ACCOUNT), json!("x")], Same),
        (Q, "/sub", vec![json!("x"), json!(ACCOUNT)], Same),
        (A, "/nats/exports/0/subject", subjects(), Same),
        (A, "/nats/exports/0/type", vec![json!("stream"), json!("service"), json!("Stream"), json!("unknown"), json!("")], Same),
        (A, "/nats/exports/1/type", vec![json!("stream")], Same),
        (A, "/nats/exports/1/subject", vec![json!("tok.x"), json!("tok.>"), json!("tok.*"), json!(">"), json!("*.x")], Same),
        (A, "/nats/exports/1/response_type", ["", "Singleton", "Chunked", "Stream", "stream", "x\"y"].map(|v| json!(v)).to_vec(), Same),
        (A, "/nats/exports/0/response_type", vec![json!("Stream"), json!("x")], Same),
        (A, "/nats/exports/0/allow_trace", vec![json!(true)], Same),
        (A, "/nats/exports/0/response_threshold", vec![json!(-1), json!(5), json!(0), json!(1.5)], Same),
        (A, "/nats/exports/1/response_threshold", vec![json!(-1), json!(i64::MAX), json!(u64::MAX)], Same),
        (A, "/nats/exports/1/service_latency", vec![json!({}), json!(null), json!({"sampling": 101, "results": "a"}), json!({"sampling": -1, "results": "a"}), json!({"sampling": 0, "results": "a"}), json!({"sampling": "Headers", "results": "a"}), json!({"sampling": "x", "results": "a"}), json!({"sampling": 100, "results": "a.*"}), json!({"sampling": 1, "results": ""}), json!({"sampling": 300, "results": "a b"})], Same),
        (A, "/nats/exports/0/service_latency", vec![json!({"sampling": 5, "results": "a"})], Same),
        (A, "/nats/exports/2/account_token_position", [0, 1, 2, 3, 9].map(|v| json!(v)).to_vec(), Same),
        (A, "/nats/exports/1/account_token_position", [1, 2, 3, 4].map(|v| json!(v)).to_vec(), Same),
        (A, "/nats/exports/2/account_token_position", vec![json!(-1), json!("2")], Same),
        (A, "/nats/exports/1/subject", vec![json!("plain")], Same),
        (A, "/nats/exports/2/subject", vec![json!("tok.plain"), json!("a.b.*.d")], Same),
        (A, "/nats/exports/0/info_url", urls(), Same),
        (A, "/nats/exports/0/description", vec![named(8193), named(8192)], Same),
        (A, "/nats/exports/1/revocations", vec![json!({"*": 5})], Same),
        (A, "/nats/exports/1/revocations", vec![json!({USER: 5, "x": 1})], Stricter),
        (A, "/nats/exports", vec![json!([{"subject": "a.*", "type": "service"}, {"subject": "a.b", "type": "service"}, {"subject": "a.>", "type": "service"}, {"subject": "a.b", "type": "stream"}]), json!([{"subject": "a", "type": "stream"}, {"subject": "a", "type": "stream"}]), json!([{"subject": "a", "type": "stream"}, {"subject": "a"}]), json!([{}]), json!([])], Same),
        (A, "/nats/exports/0", vec![json!(null)], Stricter),
        (A, "/nats/limits/exports", vec![json!(0), json!(1), json!(3), json!(-5)], Same),
        (A, "/nats/limits", vec![json!({}), json!({"exports": 2, "imports": 0}), json!({"exports": 5, "wildcards": true}), json!({"tiered_limits": {"R1": {"disk_storage": 1}}, "disk_storage": 5}), json!({"tiered_limits": {"": {}}}), json!({"tiered_limits": {"R1": {}}, "later": 1, "exports": -1, "imports": -1})].into_iter().take(5).collect(), Same),
        (A, "/nats/limits/conn", vec![json!(u64::MAX), json!("1"), json!(1.0)], Same),
        (A, "/nats/info_url", urls(), Same),
        (A, "/nats/info_url", vec![json!(format!("http://x/{}", "y".repeat(8192)))], Same),
        (A, "/nats/description", vec![named(8193), named(8192)], Same),
        (A, "/nats/cluster_traffic", vec![json!("system"), json!("owner"), json!("Owner"), json!("")], Same),
        (A, "/nats/trace/dest", subjects(), Same),
        (A, "/nats/trace/sampling", [0, 1, 100, 101, -1].map(|v| json!(v)).to_vec(), Same),
        (A, "/nats/trace", vec![json!({}), json!(null)], Same),
        (A, "/nats/default_permissions/pub/allow", permissions(), Same),
        (A, "/nats/default_permissions/sub/deny", permissions(), Same),
        (A, "/nats/default_permissions/resp", vec![json!({}), json!({"max": -1, "ttl": 1}), json!(null)], Same),
        (A, "/nats/mappings", vec![json!({}), json!({"": [{"subject": "a"}]}), json!({"a b": [{"subject": "c..d", "weight": 101}]}), json!({"a": [{"subject": "b"}, {"subject": "c"}]}), json!({"a": [{"subject": "b", "weight": 101, "cluster": "x"}]}), json!({"a": [{"subject": "b", "weight": 60, "cluster": "x"}, {"subject": "c", "weight": 60, "cluster": "x"}, {"subject": "d", "weight": 60, "cluster": "y"}]}), json!({"a": [{"subject": "b", "weight": 255}]}), json!({"a": [{"subject": "b", "weight": 256}]}), json!({"a": [{}]}), json!({"a": []}), json!({"a": null})].into_iter().take(10).collect(), Same),
        (A, "/nats/authorization/auth_users/0", keys(), Same),
        (A, "/nats/authorization/allowed_accounts/0", keys(), Same),
        (A, "/nats/authorization/allowed_accounts/1", keys(), Same),
        (A, "/nats/authorization/auth_users", vec![json!([])], Same),
        (A, "/nats/authorization/xkey", keys(), Same),
        (A, "/nats/signing_keys/0/key", keys(), Same),
        (A, "/nats/signing_keys/0/kind", vec![json!("other"), json!(1)], Same),
        (A, "/nats/signing_keys/0/template", vec![json!({}), json!({"subs": 0}), json!({"pub": {"allow": ["a b"]}})], Same),
        (A, "/nats/signing_keys/0/role", vec![json!(""), json!("<r>")], Same),
        (A, "/nats/signing_keys/1", keys(), Same),
        (A, "/nats/signing_keys/1", vec![json!(7)], Stricter),
        (A, "/nats/signing_keys", vec![json!([]), json!([ROLE, ACCOUNT, ROLE])], Same),
        (A, "/nats/revocations", vec![json!({"*": 5}), json!({}), json!({USER: "x"})], Same),
        (A, "/nats/revocations", vec![json!({ACCOUNT: 5}), json!({"x": 5})], Stricter),
        (I, "/nats/imports/0/subject", subjects(), Same),
        (I, "/nats/imports/0/type", vec![json!("service"), json!("stream"), json!("x")], Same),
        (I, "/nats/imports/0/account", vec![json!("")], Same),
        (I, "/nats/imports/0/account", vec![json!(USER), json!("x")], Stricter),
        (I, "/nats/imports/1/account", vec![json!(ROLE)], Same),
        (I, "/nats/imports/0/to", vec![json!("x.>"), json!("")], Same),
        (I, "/nats/imports/1/to", vec![json!("svc.a.>"), json!("other")], Same),
        (I, "/nats/imports/0/share", vec![json!(true)], Same),
        (I, "/nats/imports/1/allow_trace", vec![json!(true)], Same),
        (I, "/nats/imports/0/local_subject", ["events.>", "x", "x.>", "$1.>", "*.>", "a b.>", ".>", "a..>", "$-1.>", "$+1.>", "$99999999999999999999.>"].map(|v| json!(v)).to_vec(), Same),
        (I, "/nats/imports/1/local_subject", ["there.$1.>", "there.*.>", "there.$2.>", "there.$1.$1.>", "there.>", "$1", "there.$x.>", "there.$.>", "x.$1.*.>"].map(|v| json!(v)).to_vec(), Same),
        (I, "/nats/imports/1/type", vec![json!("stream")], Same),
        (I, "/nats/imports/1/subject", vec![json!("svc.a.>"), json!("svc.>"), json!("other.*.>"), json!("")], Same),
        (I, "/nats/imports/1/token", vec![json!("x"), json!(Kind::User.golden().0), json!(Kind::Activation.golden().0), json!("")], Same),
        (I, "/nats/imports/2", vec![json!({"subject": "svc.a.b", "account": ACCOUNT, "type": "service", "local_subject": "there.x.y"}), json!({"subject": "svc.*.>", "account": ACCOUNT, "type": "service", "local_subject": "there.$1.>"}), json!({"subject": "svc.*.>", "account": ROLE, "type": "service", "local_subject": "there.$1.>"}), json!({"subject": "q", "account": ACCOUNT, "type": "service", "to": "there.z.q"}), json!({"subject": "there.*.>", "account": ACCOUNT, "type": "service"}), json!({})], Same),
        (I, "/nats/imports/0", vec![json!(null)], Stricter),
        (I, "/nats/limits/imports", [0, 1, 2, -5].map(|v| json!(v)).to_vec(), Same),
        (I, "/nats/limits", vec![json!({})], Same),
        (U, "/nats/pub/allow", permissions(), Same),
        (U, "/nats/pub/deny", permissions(), Same),
        (U, "/nats/sub/allow", permissions(), Same),
        (U, "/nats/sub/deny", permissions(), Same),
        (U, "/nats/pub", vec![json!({}), json!(null), json!([])], Same),
        (U, "/nats/resp", vec![json!({}), json!(null), json!({"max": 1, "ttl": "5s"})], Same),
        (U, "/nats/src", vec![json!([]), json!("10.0.0.0/8, 10.0.0.0/8,FE80::/10"), json!(""), json!(5), json!(["10.0.0.0"]), json!(["10.0.0.0/33"]), json!(["10.0.0/8"]), json!(["::1/128"]), json!(["::/129"]), json!(["01.2.3.4/8"]), json!(["fe80::1%e/64"]), json!(["1.2.3.4/08"]), json!(["::ffff:1.2.3.4/120"]), json!([""]), json!(["1.2.3.4/-1"]), json!(["\"/8"])], Same),
        (U, "/nats/times", vec![json!([]), json!([{}]), json!([{"start": "08:00:00"}]), json!([{"end": "8:00:00"}]), json!([{"start": "24:00:00", "end": "23:59:60"}]), json!([{"start": "08:00", "end": "x"}]), json!([{"start": "08:00:00.5", "end": "08:00:00,5x"}]), json!([{"start": "8:0:0", "end": "08:00:00 "}]), json!([{"start": "23:60:00", "end": "-1:00:00"}])], Same),
        (U, "/nats/times_location", ["", "UTC", "Local", "Europe/Berlin", "Mars/Phobos", "europe/berlin ", "../x", "/etc/passwd", "\\x", "America/Argentina/Ushuaia", "CET"].map(|v| json!(v)).to_vec(), Same),
        (U, "/nats/issuer_account", keys(), Same),
        (U, "/nats/issuer_account", vec![json!("")], Same),
        (U, "/nats/bearer_token", vec![json!(false), json!("true")], Same),
        (U, "/nats/proxy_required", vec![json!(true)], Same),
        (U, "/nats/allowed_connection_types", vec![json!([]), json!(["standard", "X", "LEAFNODE_WS", "IN_PROCESS"]), json!("STANDARD")], Same),
        (U, "/nats/subs", vec![json!(0), json!(-1), json!(i64::MIN), json!(1e30)], Same),
        (V, "/nats/subject", subjects(), Same),
        (V, "/nats/kind", vec![json!("stream"), json!("x"), json!(null)], Same),
        (V, "/nats/issuer_account", keys(), Same),
        (Q, "/nats/user_nkey", keys(), Same),
        (Q, "/nats/user_nkey", vec![json!(""), json!(null)], Same),
        (Q, "/nats/server_id", vec![json!({}), json!(null), json!({"id": SERVER, "xkey": CURVE})], Same),
        (Q, "/nats/server_id/id", vec![json!(USER), json!("x")], Stricter),
        (Q, "/nats/server_id/xkey", vec![json!(USER), json!("x")], Stricter),
        (Q, "/nats/client_info", vec![json!({}), json!({"id": -1}), json!({"later": 1, "type": 5})], Same),
        (Q, "/nats/connect_opts", vec![json!({}), json!({"protocol": 7}), json!({"pass": 5})], Same),
        (Q, "/nats/client_tls", vec![json!({}), json!(null), json!({"verified_chains": [[]]}), json!({"certs": "x"})], Same),
        (P, "/aud", keys(), Same),
        (P, "/nats/jwt", vec![json!(""), json!("x")], Same),
        (P, "/nats/error", vec![json!("no"), json!("")], Same),
        (P, "/nats/issuer_account", keys(), Same),
    ]);
    all
}

/// Every golden file as it is, with every single change, and with some hundred pairs of changes.
pub(super) fn corpus() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for kind in Kind::ALL {
        cases.push(Case { kind, what: "as it is".to_owned(), claims: kind.claims(), expect: Expect::Same });
    }
    let changes = changes();
    for (kind, pointer, values, expect) in &changes {
        for value in values {
            let mut claims = kind.claims();
            put(&mut claims, pointer, Some(value.clone()));
            let value: String = value.to_string().chars().take(60).collect();
            cases.push(Case { kind: *kind, what: format!("{pointer} = {value}"), claims, expect: *expect });
        }
    }
    let mut next = super::random(7);
    let far = |a: &str, b: &str| !a.starts_with(b) && !b.starts_with(a);
    let same: Vec<&Change> = changes.iter().filter(|change| change.3 == Expect::Same).collect();
    while cases.len() < 1200 {
        let (one, other) = (same[next(same.len())], same[next(same.len())]);
        let structural = ["/nats/exports", "/nats/limits", "/nats/signing_keys"];
        if one.0 != other.0 || !far(one.1, other.1) || structural.iter().any(|s| one.1 == *s || other.1 == *s) {
            continue;
        }
        let mut claims = one.0.claims();
        let (first, second) = (&one.2[next(one.2.len())], &other.2[next(other.2.len())]);
        put(&mut claims, one.1, Some(first.clone()));
        put(&mut claims, other.1, Some(second.clone()));
        let short = |value: &Value| value.to_string().chars().take(40).collect::<String>();
        let what = format!("{} = {}, {} = {}", one.1, short(first), other.1, short(second));
        cases.push(Case { kind: one.0, what, claims, expect: Expect::Same });
    }
    cases
}
