#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace haumea::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SettingsTest : public testing::Test {
  protected:
    SettingsTest() {
        std::string name = (std::filesystem::temp_directory_path() / "haumea-etc-XXXXXX").string();
        etc_ = mkdtemp(name.data());
    }
    ~SettingsTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(etc_, ignored);
    }
    void Write(const std::string& file, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(etc_ + "/" + file).parent_path());
        std::ofstream(etc_ + "/" + file) << text;
    }
    Configuration Load(const Environment& environment = {}) {
        auto loaded = LoadConfiguration(etc_, environment);
        EXPECT_TRUE(loaded) << loaded.error().message;
        return loaded ? std::move(*loaded) : Configuration{};
    }
    std::string LoadError(const Environment& environment = {}) {
        const auto loaded = LoadConfiguration(etc_, environment);
        return loaded ? "accepted" : loaded.error().message;
    }
    std::string etc_;
};

TEST_F(SettingsTest, AnEmptyFolderGivesTheDefaults) {
    const Configuration loaded = Load();
    EXPECT_EQ(loaded.settings.basic.rest_port, 9081);
    EXPECT_EQ(loaded.settings.source.http_server_port, 10081);
    EXPECT_EQ(loaded.main_file, "");
    EXPECT_THAT(loaded.report.warnings, IsEmpty());
    EXPECT_TRUE(LoadConfiguration(etc_ + "/missing", {}));
}

TEST_F(SettingsTest, NamesMatchIgnoringCaseAndValuesKeepTheirTypes) {
    Write("haumea.yaml",
          "BASIC:\n  RestPort: 9999\n  loglevel: WARN\n  gracefulShutdownTimeout: 1m30s\n  "
          "rulePatrolInterval: 5000\n"
          "source:\n  allowedOrigins: [\"https://a\", \"*\"]\n  httpServerTls:\n    certfile: a\n    "
          "keyfile: b\n"
          "rule:\n  restartStrategy:\n    attempts: 3\n    delay: 1000\n  qos: 1\n");
    const Settings settings = Load().settings;
    EXPECT_EQ(settings.basic.rest_port, 9999);
    EXPECT_EQ(settings.basic.log_level, "warn");
    EXPECT_EQ(settings.basic.graceful_shutdown_timeout.value, 90'000);
    EXPECT_EQ(settings.basic.rule_patrol_interval.value, 5'000);
    EXPECT_THAT(settings.source.allowed_origins, ElementsAre("https://a", "*"));
    EXPECT_EQ(settings.source.http_server_tls.key_file, "b");
    EXPECT_EQ(settings.rule.restart_strategy.attempts, 3);
    EXPECT_EQ(settings.rule.qos, 1);
}

TEST_F(SettingsTest, KuiperYamlIsReadAndBothFilesAreAWarning) {
    Write("kuiper.yaml",
          "basic:\n  restPort: 1\n  pprof: true\n  rotateTime: 24\nportable:\n  pythonBin: python\n");
    Configuration loaded = Load();
    EXPECT_EQ(loaded.settings.basic.rest_port, 1);
    EXPECT_THAT(loaded.report.warnings, IsEmpty());
    EXPECT_EQ(loaded.report.notes.size(), 3U);
    Write("haumea.yaml", "basic:\n  restPort: 2\n");
    loaded = Load();
    EXPECT_EQ(loaded.settings.basic.rest_port, 2);
    EXPECT_THAT(loaded.report.warnings, ElementsAre(HasSubstr("kuiper.yaml is not read")));
}

TEST_F(SettingsTest, UnknownKeysAreNamedWithWhatIsProbablyMeant) {
    Write("haumea.yaml", "basic:\n  restPrt: 1\nzzz: 2\n");
    EXPECT_THAT(
        Load().report.warnings,
        ElementsAre(HasSubstr("haumea.yaml: unknown key basic.restPrt is ignored; do you mean restPort?"),
                    HasSubstr("unknown key zzz is ignored")));
}

TEST_F(SettingsTest, BadValuesNameFileKeyValueAndRemedy) {
    const auto error = [this](const std::string& text) {
        Write("haumea.yaml", text);
        return LoadError();
    };
    EXPECT_EQ(error("basic: {restPort: \"9081\"}"),
              etc_ + "/haumea.yaml: basic.restPort: \"9081\" is no whole number: write it without quotes");
    EXPECT_THAT(error("basic: {restPort: 70000}"), HasSubstr("70000 is out of range: it must be 1 to 65535"));
    EXPECT_THAT(error("basic: {debug: yes}"),
                HasSubstr("basic.debug: \"yes\" is no boolean: write true or false"));
    EXPECT_THAT(error("basic: {logLevel: loud}"), HasSubstr("one of debug, info"));
    EXPECT_THAT(error("basic: {gracefulShutdownTimeout: soon}"), HasSubstr("\"soon\" is not a duration"));
    EXPECT_THAT(error("basic: {rulePatrolInterval: 10}"), HasSubstr("1s to 24h"));
    EXPECT_THAT(error("basic: 5"), HasSubstr("basic: 5 is no block of keys"));
    EXPECT_THAT(error("basic: {authentication: true}"), HasSubstr("reverse proxy"));
    EXPECT_THAT(error("store: {type: redis}"), HasSubstr("one of sqlite"));
    EXPECT_THAT(error("source: {httpServerTls: {certfile: a}}"), HasSubstr("belong together"));
    EXPECT_THAT(error("basic: [unclosed"), HasSubstr("haumea.yaml: line "));
}

TEST_F(SettingsTest, SecretsAreNeitherInErrorsNorInWhatIsShown) {
    Write("haumea.yaml", "basic:\n  aesKey: hunter2\n");
    EXPECT_THAT(LoadError(), testing::AllOf(HasSubstr("basic.aesKey"), testing::Not(HasSubstr("hunter2"))));
    const std::string key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const Configuration loaded = Load({{"HAUMEA__BASIC__AESKEY", key}});
    EXPECT_EQ(loaded.settings.basic.aes_key, key);
    const std::string shown = ToJson(SettingsSchema().ToNode(loaded.settings, true));
    EXPECT_THAT(shown, HasSubstr(R"("aesKey":"******")"));
}

TEST_F(SettingsTest, TheEnvironmentWinsTypedByTheKey) {
    Write("haumea.yaml", "basic:\n  restPort: 1\nsink:\n  resendIndicatorField: late\n");
    const Settings settings = Load({{"HAUMEA__BASIC__RESTPORT", "9082"},
                                    {"KUIPER__BASIC__RESTPORT", "9083"},
                                    {"KUIPER__SINK__RESENDINDICATORFIELD", "1"},
                                    {"KUIPER__BASIC__DEBUG", "1"},
                                    {"HAUMEA__SOURCE__ALLOWEDORIGINS", "[https://a=b, *]"},
                                    {"HAUMEA__BASIC__GRACEFULSHUTDOWNTIMEOUT", "1500"},
                                    {"KUIPER_BASIC_DEBUG", "x"}})
                                  .settings;
    EXPECT_EQ(settings.basic.rest_port, 9082);
    EXPECT_EQ(settings.sink.resend_indicator_field, "1");
    EXPECT_TRUE(settings.basic.debug);
    EXPECT_THAT(settings.source.allowed_origins, ElementsAre("https://a=b", "*"));
    EXPECT_EQ(settings.basic.graceful_shutdown_timeout.value, 1'500);
    EXPECT_THAT(LoadError({{"HAUMEA__BASIC__RESTPORT", "x"}}),
                HasSubstr("HAUMEA__BASIC__RESTPORT: basic.restPort: \"x\" is no whole number"));
}

TEST_F(SettingsTest, TheDataServerIsReadFromItsFilesInOrder) {
    Write("sources/httppush.yaml",
          "source:\n  httpServerPort: 1\n  httpServerIp: 1.1.1.1\n  maxClients: 5\n");
    Write("haumea.yaml", "source:\n  httpServerPort: 2\n  httpServerIp: 2.2.2.2\n");
    Write("sources/websocket.yaml", "default:\n  addr: \"\"\nsource:\n  HTTPSERVERPORT: 3\n");
    Configuration loaded = Load({{"WEBSOCKET__SOURCE__HTTPSERVERPORT", "4"}});
    EXPECT_EQ(loaded.settings.source.http_server_port, 4);
    EXPECT_EQ(loaded.settings.source.http_server_ip, "2.2.2.2");
    EXPECT_EQ(loaded.settings.source.max_clients, 5);
    bool found = true;
    loaded.sources.Properties("websocket", "source", &found);
    EXPECT_FALSE(found);
    EXPECT_EQ(Load().settings.source.http_server_port, 3);
    EXPECT_EQ(Load({{"HAUMEA__SOURCE__HTTPSERVERPORT", "5"}, {"WEBSOCKET__SOURCE__HTTPSERVERPORT", "4"}})
                  .settings.source.http_server_port,
              5);
}

TEST_F(SettingsTest, ConfKeysLieOverTheDefaultBlock) {
    Write("sources/websocket.yaml", "default:\n  addr: a:1\n  path: /p\nMyKey:\n  Addr: b:2\n");
    const Configuration loaded =
        Load({{"WEBSOCKET__MYKEY__PATH", "/q=1"}, {"WEBSOCKET_PORT", "1"}, {"MEMORY_LIMIT", "2"}});
    bool found = false;
    EXPECT_EQ(ToJson(loaded.sources.Properties("websocket", "mykey", &found)),
              R"({"Addr":"b:2","path":"/q=1"})");
    EXPECT_TRUE(found);
    EXPECT_EQ(ToJson(loaded.sources.Properties("WebSocket", "none", &found)),
              R"({"addr":"a:1","path":"/p"})");
    EXPECT_FALSE(found);
}

TEST_F(SettingsTest, ABrokenFileOfSourcesStopsTheStart) {
    Write("sources/websocket.yaml", "default: [");
    EXPECT_THAT(LoadError(), HasSubstr("sources/websocket.yaml: line"));
}

// "basic.restPort" and a value as a file: {"basic":{"restPort":...}}.
Node At(const std::string& path, Node value) {
    for (size_t end = path.size(); end != std::string::npos;) {
        const size_t dot = path.rfind('.', end - 1);
        const size_t from = dot == std::string::npos ? 0 : dot + 1;
        value = Node(Node::Object{{path.substr(from, end - from), std::move(value)}});
        end = dot;
    }
    return value;
}

std::string VariableOf(std::string prefix, const std::string& path) {
    prefix += "__";
    for (const char c : path) {
        prefix += c == '.' ? "__" : std::string(1, static_cast<char>(toupper(c)));
    }
    return prefix;
}

// Values that no key of that type may have.
std::vector<Node> BadValues(const Field& field) {
    std::vector<Node> bad{Node(Node::Object{{"a", Node(1)}})};
    switch (field.type()) {
        case ValueType::kBool:
            bad.insert(bad.end(), {Node("yes"), Node("true"), Node(1), Node(Node::Array{})});
            break;
        case ValueType::kInteger:
            bad.insert(bad.end(), {Node("5"), Node(1.5), Node(true)});
            break;
        case ValueType::kDuration:
            bad.insert(bad.end(), {Node("soon"), Node("10"), Node(1.5), Node(true)});
            break;
        case ValueType::kText:
            bad.insert(bad.end(), {Node(5), Node(true), Node(Node::Array{})});
            break;
        case ValueType::kTextList:
            bad.insert(bad.end(), {Node(5), Node(true), Node(Node::Array{Node(1)})});
            break;
    }
    const bool number = field.type() == ValueType::kInteger || field.type() == ValueType::kDuration;
    if (number && !field.Constraint().empty()) {
        for (const int64_t value : {int64_t{-1'000'000'000'000}, int64_t{9'000'000'000'000'000}}) {
            if (!field.Accept(Node(value))) {
                bad.emplace_back(value);
            }
        }
    }
    if (field.type() == ValueType::kText && (!field.Constraint().empty() || field.secret())) {
        bad.emplace_back("nosuch");
    }
    return bad;
}

TEST_F(SettingsTest, ABadValueOfAnyKeyStopsTheStartAndNamesFileKeyValueAndRemedy) {
    size_t keys = 0;
    const Settings defaults;
    for (const auto& row : SettingsSchema().Rows("", &defaults)) {
        if (row.field == nullptr) {
            continue;
        }
        ++keys;
        for (const Node& bad : BadValues(*row.field)) {
            const std::string given = ToJson(bad);
            Write("haumea.yaml", ToJson(At(row.path, bad)));
            const std::string error = LoadError();
            EXPECT_THAT(error, testing::StartsWith(etc_ + "/haumea.yaml: " + row.path + ": "));
            if (row.field->secret()) {
                EXPECT_THAT(error, testing::Not(HasSubstr("nosuch")));
            } else {
                EXPECT_THAT(error, HasSubstr(bad.is_string() ? bad.as_string() : given)) << row.path;
            }
            EXPECT_THAT(error, testing::AnyOf(HasSubstr("write "), HasSubstr("must be")))
                << row.path << given;
            // The same from the environment, where a text means what the key wants.
            if (bad.is_string() && row.field->type() != ValueType::kText) {
                std::filesystem::remove(etc_ + "/haumea.yaml");
                for (const char* prefix : {"HAUMEA", "KUIPER"}) {
                    const std::string name = VariableOf(prefix, row.path);
                    if (row.field->FromText(bad.as_string()).is_string()) {
                        EXPECT_THAT(LoadError({{name, bad.as_string()}}),
                                    testing::StartsWith(name + ": " + row.path + ": "));
                    }
                }
            }
        }
    }
    EXPECT_GT(keys, 40U);
}

// Two values that the key may have, as texts of the environment.
std::vector<std::string> GoodValues(const Field& field) {
    std::vector<std::string> good;
    for (const char* text : {"true",
                             "false",
                             "1",
                             "2",
                             "100",
                             "200",
                             "60000",
                             "90000",
                             "2000000",
                             "3000000",
                             "debug",
                             "error",
                             "none",
                             "request",
                             "tls1.2",
                             "tls1.3",
                             "sqlite",
                             "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
                             "MDEyMzQ1Njc4OWFiY2RlZg==",
                             "UTC",
                             "Europe/Berlin",
                             "10s",
                             "2m"}) {
        if (good.size() < 2 && field.Accept(field.FromText(text))) {
            good.emplace_back(text);
        }
    }
    return good;
}

TEST_F(SettingsTest, EveryKeyIsReadFromFileThenKuiperThenHaumeaVariables) {
    const Settings defaults;
    for (const auto& row : SettingsSchema().Rows("", &defaults)) {
        if (row.field == nullptr) {
            continue;
        }
        const std::vector<std::string> values = GoodValues(*row.field);
        ASSERT_FALSE(values.empty()) << row.path;
        // Files of TLS belong together.
        const Node pair(
            Node::Object{{"certfile", Node("c")}, {"keyfile", Node("k")}, {"clientCa", Node("a")}});
        Node file = At(row.path, row.field->FromText(values.front()));
        const bool of_tls = row.path.find("Tls.") != std::string::npos;
        if (of_tls) {
            Node block = pair;
            block.object().emplace_back("clientAuth", Node("none"));
            const std::string name = row.path.substr(row.path.rfind('.') + 1);
            const bool rest = row.path.starts_with("basic.");
            if (rest) {
                std::erase_if(block.object(),
                              [](const Node::Member& m) { return m.first.starts_with("client"); });
            }
            std::erase_if(block.object(), [&](const Node::Member& m) { return m.first == name; });
            block.object().emplace_back(name, row.field->FromText(values.front()));
            file = At(row.path.substr(0, row.path.rfind('.')), std::move(block));
        }
        Write("haumea.yaml", ToJson(file));
        const auto value = [&](const Environment& environment) {
            Node node = SettingsSchema().ToNode(Load(environment).settings, false);
            std::istringstream parts(row.path);
            for (std::string part; std::getline(parts, part, '.');) {
                const Node* child = node.FindNoCase(part);
                node = child == nullptr ? Node() : Node(*child);
            }
            return ToJson(node);
        };
        const auto expected = [&](const std::string& text) {
            const Node accepted = *row.field->Accept(row.field->FromText(text));
            return row.field->type() == ValueType::kDuration
                       ? ToJson(Node(FormatDuration({accepted.as_int()})))
                       : ToJson(accepted);
        };
        const std::string haumea = VariableOf("HAUMEA", row.path);
        const std::string kuiper = VariableOf("KUIPER", row.path);
        EXPECT_EQ(value({}), expected(values.front())) << row.path;
        EXPECT_EQ(value({{kuiper, values.back()}}), expected(values.back())) << row.path;
        EXPECT_EQ(value({{haumea, values.front()}, {kuiper, values.back()}}), expected(values.front()))
            << row.path;
        EXPECT_EQ(value({{kuiper, values.front()}, {haumea, values.back()}}), expected(values.back()))
            << row.path;
    }
}

// Every key that eKuiper documents or ships, with what it ships.
TEST_F(SettingsTest, AKuiperYamlWithEveryKeyOfEKuiperIsReadWithoutAWarning) {
    Write("kuiper.yaml", R"(
basic:
  logLevel: info
  debug: false
  consoleLog: false
  fileLog: true
  logDisableTimestamp: false
  syslog:
  rotateTime: 24
  maxAge: 72
  rotateSize: 10485760
  rotateCount: 3
  ip: 0.0.0.0
  port: 20498
  restIp: 0.0.0.0
  restPort: 9081
  timezone: Local
  authentication: false
  prometheus: false
  prometheusPort: 20499
  pprof: true
  pprofIp: "127.0.0.1"
  pprofPort: 6060
  pluginHosts: https://packages.emqx.io
  ignoreCase: false
  sql: {maxConnections: 0}
  rulePatrolInterval: 10s
  enableOpenZiti: false
  gracefulShutdownTimeout: 10s
  connection: {backoffMaxElapsedDuration: 3m}
  ResourceProfileConfig: {enable: false, interval: 5s}
  metricsDumpConfig: {enable: false, retainedDuration: 6h}
  enableRestAuditLog: false
  enablePrivateNet: false
  allowExternalFileAccess: true
  cfgStorageType: file
rule:
  qos: 0
  checkpointInterval: 300s
  sendError: false
  isEventTime: false
  lateTolerance: 1000
  concurrency: 1
  bufferLength: 1024
  sendMetaToSink: false
  restartStrategy: {attempts: 0, delay: 1000, multiplier: 2, maxDelay: 30000, jitterFactor: 0.1}
sink:
  enableCache: false
  memoryCacheThreshold: 1024
  maxDiskCache: 1024000
  bufferPageSize: 256
  resendInterval: 0s
  cleanCacheAtStop: false
source:
  httpServerIp: 0.0.0.0
  httpServerPort: 10081
store:
  type: sqlite
  extStateType: sqlite
  redis: {host: localhost, port: 6379, password: "", timeout: 1s}
  sqlite: {name: ""}
  pebble: {name: ""}
  fdb: {path: ""}
portable: {pythonBin: python, initTimeout: 60s, sendTimeout: 5s, recvTimeout: 5s}
openTelemetry: {serviceName: kuiperd-service, enableRemoteCollector: false, remoteEndpoint: "localhost:4318"}
)");
    const Configuration loaded = Load();
    EXPECT_THAT(loaded.report.warnings, IsEmpty());
    EXPECT_TRUE(loaded.settings.basic.file_log);
    EXPECT_EQ(loaded.settings.rule.checkpoint_interval.value, 300'000);
}

TEST_F(SettingsTest, WhatWouldPromiseMoreThanThereIsWarnsOrStops) {
    for (const char* text : {"basic: {syslog: {enable: true}}", "basic: {enableRestAuditLog: true}",
                             "basic: {allowExternalFileAccess: false}", "security: {tls: {}}"}) {
        Write("haumea.yaml", text);
        EXPECT_EQ(Load().report.warnings.size(), 1U) << text;
    }
}

TEST_F(SettingsTest, KeysOfTheEnvironmentThatAreUnknownAreNamedToo) {
    EXPECT_THAT(
        Load({{"HAUMEA__BASIC__RESTPRT", "1"}}).report.warnings,
        ElementsAre("HAUMEA__BASIC__RESTPRT: unknown key basic.restprt is ignored; do you mean restPort?"));
    EXPECT_THAT(Load({{"KUIPER__", "1"}, {"HAUMEA", "1"}, {"HAUMEA_X", "1"}}).report.warnings, IsEmpty());
}

TEST_F(SettingsTest, EverySourceFileHasItsVariablesAndMqttItsOldPlace) {
    Write("mqtt_source.yaml", "default: {server: a}\nk: {qos: 1}\n");
    Write("sources/simulator.yaml", "dedup: {interval: 5, loop: true}\n");
    const Configuration loaded = Load({{"SIMULATOR__DEDUP__INTERVAL", "7"},
                                       {"SIMULATOR__FRESH__DATA", "[1,2]"},
                                       {"MEMORY__DEFAULT__BUFFERLENGTH", "9"},
                                       {"FILE__LOG__PATH", "a=b"},
                                       {"FILE_X", "bogus"}});
    EXPECT_EQ(ToJson(loaded.sources.Properties("mqtt", "k")), R"({"server":"a","qos":1})");
    EXPECT_EQ(ToJson(loaded.sources.Properties("simulator", "dedup")), R"({"interval":7,"loop":true})");
    EXPECT_EQ(ToJson(loaded.sources.Properties("simulator", "fresh")), R"({"data":[1,2]})");
    EXPECT_EQ(ToJson(loaded.sources.Properties("memory", "")), R"({"bufferlength":9})");
    EXPECT_EQ(ToJson(loaded.sources.Properties("file", "log")), R"({"path":"a=b"})");
}

TEST(Duration, ReadsGoSyntaxAndPrintsIt) {
    const auto millis = [](const char* text) {
        const auto duration = ParseDuration(text);
        return duration ? duration->value : -999;
    };
    EXPECT_EQ(millis("10s"), 10'000);
    EXPECT_EQ(millis("1h30m"), 5'400'000);
    EXPECT_EQ(millis("0.3s"), 300);
    EXPECT_EQ(millis("1.5ms"), 1);
    EXPECT_EQ(millis("-5ms"), -5);
    EXPECT_EQ(millis("2000us"), 2);
    EXPECT_EQ(millis("0"), 0);
    for (const char* bad : {"", "s", "10", "1x", "1.s.", "-", "1e9h", ".s", "10 s", "999999999999999999h"}) {
        EXPECT_EQ(millis(bad), -999) << bad;
    }
    EXPECT_EQ(FormatDuration({90'500}), "1m30s500ms");
    EXPECT_EQ(FormatDuration({0}), "0s");
}

// The files are written from the table; HAUMEA_UPDATE=1 writes them anew.
void ExpectFile(const std::string& file, const std::string& wanted) {
    const std::string path = std::string(HAUMEA_SOURCE_DIR) + "/" + file;
    if (getenv("HAUMEA_UPDATE") != nullptr) {
        std::ofstream(path) << wanted;
    }
    std::ostringstream found;
    found << std::ifstream(path).rdbuf();
    EXPECT_EQ(found.str(), wanted) << "run config_test with HAUMEA_UPDATE=1";
}

TEST(ShippedFiles, AreWrittenFromTheTable) {
    ExpectFile("docs/reference/configuration.md", WriteReference());
    ExpectFile("etc/haumea.yaml", WriteDefaults());
}

TEST(ShippedFiles, LoadWithoutAWarningAndChangeNothing) {
    const auto loaded = LoadConfiguration(std::string(HAUMEA_SOURCE_DIR) + "/etc", {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_THAT(loaded->report.warnings, IsEmpty());
    EXPECT_EQ(SettingsSchema().ToNode(loaded->settings, false), SettingsSchema().ToNode(Settings{}, false));
}

}  // namespace
}  // namespace haumea::config
