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
    Write("haumea.yaml", "basic:\n  restPort: 1\n  timezone: UTC\n");
    const Settings settings = Load({{"HAUMEA__BASIC__RESTPORT", "9082"},
                                    {"KUIPER__BASIC__RESTPORT", "9083"},
                                    {"KUIPER__BASIC__TIMEZONE", "1"},
                                    {"KUIPER__BASIC__DEBUG", "1"},
                                    {"HAUMEA__SOURCE__ALLOWEDORIGINS", "[https://a=b, *]"},
                                    {"HAUMEA__BASIC__GRACEFULSHUTDOWNTIMEOUT", "1500"},
                                    {"KUIPER_BASIC_DEBUG", "x"}})
                                  .settings;
    EXPECT_EQ(settings.basic.rest_port, 9082);
    EXPECT_EQ(settings.basic.timezone, "1");
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
