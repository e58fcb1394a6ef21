#include "config/settings.h"
#include "data/zone.h"

namespace haumea::config {
namespace {

constexpr int64_t kSecond = 1'000;
constexpr int64_t kDay = 86'400'000;

// Standard base64 with padding of a key of 16, 24 or 32 bytes.
std::string CheckAesKey(const Node& value) {
    const std::string& text = value.as_string();
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    const std::string_view digits = std::string_view(text).substr(0, text.size() - padding);
    static constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t bytes = text.size() / 4 * 3 - padding;
    const bool good =
        text.empty() || (text.size() % 4 == 0 && digits.find_first_not_of(kDigits) == std::string::npos &&
                         (bytes == 16 || bytes == 24 || bytes == 32));
    return good ? "" : "it must be the base64 text of 16, 24 or 32 bytes (openssl rand -base64 32)";
}

std::string CheckZone(const Node& value) {
    if (FindZone(value.as_string())) {
        return "";
    }
    return fmt::format(
        "there is no time zone \"{}\": it must be UTC, Local or an IANA name such as Europe/Berlin",
        value.as_string());
}

Schema<TlsFiles> TlsSchema() {
    Schema<TlsFiles> s;
    s.Add("certfile", &TlsFiles::cert_file).Doc("PEM file of the certificate and its chain");
    s.Add("keyfile", &TlsFiles::key_file).Doc("PEM file of the private key");
    return s;
}

Schema<DataTls> DataTlsSchema() {
    Schema<DataTls> s;
    s.Add("certfile", &DataTls::cert_file).Doc("PEM file of the certificate and its chain");
    s.Add("keyfile", &DataTls::key_file).Doc("PEM file of the private key");
    s.Add("clientCa", &DataTls::client_ca)
        .Doc("PEM file of the CA that clients' certificates have to come from");
    s.Add("clientAuth", &DataTls::client_auth)
        .Values({"none", "request", "require"})
        .Doc("whether clients are asked for a certificate, and refused without one");
    s.Add("tlsMinVersion", &DataTls::tls_min_version)
        .Values({"tls1.2", "tls1.3"})
        .Doc("oldest version of TLS that a client may speak");
    return s;
}

Schema<BasicSettings> BasicSchema() {
    using B = BasicSettings;
    Schema<B> s;
    s.Add("logLevel", &B::log_level)
        .Values({"debug", "info", "warn", "error", "fatal", "panic"})
        .Doc("least severe lines that are logged; fatal and panic log nothing");
    s.Add("debug", &B::debug).Doc("the same as logLevel: debug");
    s.Add("consoleLog", &B::console_log).Doc("log to the standard error stream");
    s.Add("fileLog", &B::file_log).Doc("log to log/stream.log, 10 MB each, 3 kept");
    s.Add("restIp", &B::rest_ip).Doc("address on which REST is served");
    s.Add("restPort", &B::rest_port).Min(1).Doc("port of REST");
    s.Section("restTls", &B::rest_tls, TlsSchema(), "REST over HTTPS when both are set");
    s.Add("prometheus", &B::prometheus).Doc("serve /metrics");
    s.Add("prometheusPort", &B::prometheus_port).Min(1).Doc("port of /metrics; may be the port of REST");
    s.Add("timezone", &B::timezone)
        .Check(CheckZone)
        .Doc("zone of functions and formats: an IANA name, UTC or Local");
    s.Add("ignoreCase", &B::ignore_case).Doc("column names match ignoring case");
    s.Add("aesKey", &B::aes_key).Secret().Check(CheckAesKey).Doc("key of `encryption: aes`, base64");
    s.Add("dialPrivateNet", &B::dial_private_net)
        .Doc("false: actions and sources connect to no address of a private network, loopback included");
    s.Add("rulePatrolInterval", &B::rule_patrol_interval)
        .Min(kSecond)
        .Max(kDay)
        .Doc("how often schedules and restarts of rules are looked at");
    s.Add("gracefulShutdownTimeout", &B::graceful_shutdown_timeout)
        .Min(0)
        .Max(kDay)
        .Doc("how long stopping the server may take");
    s.Accept({"logDisableTimestamp", "rotateTime", "maxAge", "rotateSize", "rotateCount", "ip", "port",
              "pluginHosts", "sql", "connection", "pprof", "pprofIp", "pprofPort", "ResourceProfileConfig",
              "metricsDumpConfig", "enableOpenZiti", "cfgStorageType", "enablePrivateNet", "metricsDump"});
    s.AcceptOnly("syslog", Node(Node::Object{}),
                 "lines go to the console or a file, which the service manager collects");
    s.AcceptOnly("enableRestAuditLog", Node(false), "REST requests are not logged");
    s.AcceptOnly("allowExternalFileAccess", Node(true), "rules may name any file that the server can read");
    s.Refuse("authentication", Node(false),
             "remove the key and let a reverse proxy check who calls, with restIp: 127.0.0.1");
    return s;
}

Schema<RuleSettings> RuleSchema() {
    using R = RuleSettings;
    Schema<RestartSettings> restart;
    restart.Add("attempts", &RestartSettings::attempts)
        .Min(0)
        .Doc("a rule that failed is started again that many times in a row");
    restart.Accept({"delay", "multiplier", "maxDelay", "jitterFactor"});
    Schema<R> s;
    s.Add("isEventTime", &R::is_event_time).Doc("windows follow the TIMESTAMP column instead of the clock");
    s.Add("lateTolerance", &R::late_tolerance).Min(0).Doc("how late events may come in event time");
    s.Add("concurrency", &R::concurrency)
        .Min(0)
        .Max(1'024)
        .Doc("accepted without effect: the rows of a rule are processed in order");
    s.Add("bufferLength", &R::buffer_length)
        .Min(0)
        .Max(10'000'000)
        .Doc("messages that may wait for the remote of an action");
    s.Add("windowBytes", &R::window_bytes)
        .Min(kMinWindowBytes)
        .Max(kMaxWindowBytes)
        .Doc(
            "memory of the windows of one rule: rows, groups, results; what is beyond is dropped and "
            "counted");
    s.Add("sendMetaToSink", &R::send_meta_to_sink).Doc("add the metadata of events to results");
    s.Add("sendError", &R::send_error).Doc("send errors of expressions to the actions");
    s.Add("qos", &R::qos)
        .Min(0)
        .Max(2)
        .Doc("accepted without effect: the state of windows is not kept over a restart");
    s.Add("checkpointInterval", &R::checkpoint_interval).Min(0).Doc("accepted without effect");
    s.Section("restartStrategy", &R::restart_strategy, std::move(restart), "restart of rules that failed");
    s.Accept({"debug", "logFilename", "sendNilField", "cron", "duration", "cronDatetimeRange",
              "planOptimizeStrategy", "notifySub", "disableBufferFullDiscard", "enableSaveStateBeforeStop",
              "forceExitTimeout", "experiment", "enableRuleTracer"});
    return s;
}

Schema<SinkSettings> SinkSchema() {
    using S = SinkSettings;
    Schema<S> s;
    s.Add("enableCache", &S::enable_cache).Doc("keep messages that could not be delivered");
    s.Add("memoryCacheThreshold", &S::memory_cache_threshold).Min(1).Doc("messages cached in memory");
    s.Add("maxDiskCache", &S::max_disk_cache).Min(1).Doc("messages cached on disk");
    s.Add("bufferPageSize", &S::buffer_page_size).Min(1).Doc("messages per page on disk");
    s.Add("resendInterval", &S::resend_interval).Min(0).Doc("pause between cached messages");
    s.Add("cleanCacheAtStop", &S::clean_cache_at_stop).Doc("forget the cache when a rule stops");
    s.Add("resendAlterQueue", &S::resend_alter_queue)
        .Doc("send cached messages beside new ones, not before them");
    s.Add("resendPriority", &S::resend_priority)
        .Min(-1)
        .Max(1)
        .Doc("1: cached messages first, -1: new ones first");
    s.Add("resendIndicatorField", &S::resend_indicator_field).Doc("column that is true in cached messages");
    s.Add("resendDestination", &S::resend_destination).Doc("other destination of cached messages");
    s.Add("templateMaxSteps", &S::template_max_steps)
        .Min(100)
        .Max(1'000'000'000)
        .Doc("steps (nodes, rounds, calls) that a template may take for one message");
    s.Add("templateMaxBytes", &S::template_max_bytes)
        .Min(1024)
        .Max(1 << 30)
        .Doc("bytes that a template may write for one message; its values may take four times as many");
    return s;
}

Schema<SourceSettings> SourceSchema() {
    using S = SourceSettings;
    Schema<S> s;
    s.Add("httpServerIp", &S::http_server_ip).Doc("address on which WebSocket endpoints are served");
    s.Add("httpServerPort", &S::http_server_port).Min(1).Doc("port of WebSocket endpoints");
    s.Section("httpServerTls", &S::http_server_tls, DataTlsSchema(),
              "endpoints over TLS (wss) when both are set");
    s.Add("allowedOrigins", &S::allowed_origins)
        .Doc("origins of web pages that may connect besides this host and loopback; \"*\" allows all");
    s.Add("maxClients", &S::max_clients).Min(1).Max(1'000'000).Doc("WebSocket clients in total");
    s.Add("maxClientsPerAddress", &S::max_clients_per_address)
        .Min(1)
        .Max(1'000'000)
        .Doc("WebSocket clients of one address");
    s.Add("handshakeTimeout", &S::handshake_timeout)
        .Min(1)
        .Max(kDay)
        .Doc("from accepting a connection to the last byte of its request");
    return s;
}

Schema<StoreSettings> StoreSchema() {
    Schema<StoreSettings> s;
    s.Add("type", &StoreSettings::type)
        .Values({"sqlite"})
        .Doc("where definitions are stored: sqlite, in data/haumea.db");
    s.Accept({"extStateType", "redis", "sqlite", "pebble", "fdb"});
    return s;
}

Schema<Settings> MakeSchema() {
    Schema<Settings> s;
    s.Section("basic", &Settings::basic, BasicSchema(), "the server");
    s.Section("rule", &Settings::rule, RuleSchema(), "what the options of rules start from");
    s.Section("sink", &Settings::sink, SinkSchema(),
              "what the cache of actions starts from, and the bounds of templates");
    s.Section("source", &Settings::source, SourceSchema(),
              "the data server; may stand in etc/sources/websocket.yaml, which wins");
    s.Section("store", &Settings::store, StoreSchema(), "definitions on disk");
    s.Accept({"portable", "openTelemetry"});
    s.AcceptOnly("security", Node(), "give TLS properties and encryption to each action or connection");
    return s;
}

}  // namespace

const Schema<Settings>& SettingsSchema() {
    static const Schema<Settings> kSchema = MakeSchema();
    return kSchema;
}

std::string WriteReference() {
    std::string out =
        "# Configuration\n\n"
        "Keys of `etc/haumea.yaml` (`etc/kuiper.yaml` is read when that is absent). Names match ignoring "
        "case. Every key\n"
        "can be set by the environment, which wins: `HAUMEA__BASIC__RESTPORT=9082`. Durations are texts such "
        "as `10s`, or\n"
        "whole numbers of milliseconds. This page is written from the table in "
        "`src/config/settings_schema.cc`.\n";
    const Settings defaults;
    for (const auto& row : SettingsSchema().Rows("", &defaults)) {
        if (row.field == nullptr) {
            if (row.path.find('.') == std::string::npos) {
                out +=
                    fmt::format("\n## {}\n\n{}.\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
                                row.path, row.doc);
            }
            continue;
        }
        const std::string constraint = row.field->Constraint();
        out += fmt::format("| `{}` | {}{} | `{}` | {}{} |\n", row.path, row.field->type_name(),
                           constraint.empty() ? "" : ", " + constraint, row.default_text, row.doc,
                           row.field->secret() ? " (secret)" : "");
    }
    return out;
}

std::string WriteDefaults() {
    std::string out =
        "# Settings of the server; every line shows the default. Written from "
        "src/config/settings_schema.cc.\n"
        "# The environment wins: HAUMEA__BASIC__RESTPORT=9082. All keys: docs/reference/configuration.md\n";
    const Settings defaults;
    for (const auto& row : SettingsSchema().Rows("", &defaults)) {
        const auto depth = static_cast<size_t>(std::count(row.path.begin(), row.path.end(), '.'));
        const std::string name = row.path.substr(row.path.rfind('.') + 1);
        const std::string indent(2 * depth, ' ');
        if (row.field == nullptr) {
            out += fmt::format("{}{}# {}\n{}{}:\n", depth == 0 ? "\n" : "", indent, row.doc, indent, name);
        } else {
            out += fmt::format("{}# {}\n{}# {}: {}\n", indent, row.doc, indent, name, row.default_text);
        }
    }
    return out;
}

}  // namespace haumea::config
