#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/duration.h"
#include "config/node.h"
#include "config/schema.h"

namespace haumea::config {

// HTTPS or WSS when both are set.
struct TlsFiles {
    std::string cert_file;
    std::string key_file;
};

// TLS of the data server, which may also look at its clients' certificates.
struct DataTls {
    std::string cert_file;
    std::string key_file;
    std::string client_ca;
    std::string client_auth = "none";        // none, request, require
    std::string tls_min_version = "tls1.2";  // tls1.2, tls1.3
};

struct BasicSettings {
    std::string log_level = "info";
    bool debug = false;
    bool console_log = true;
    bool file_log = false;
    std::string rest_ip = "0.0.0.0";
    uint16_t rest_port = 9081;
    TlsFiles rest_tls;
    bool prometheus = false;
    uint16_t prometheus_port = 20499;
    std::string timezone = "Local";
    bool ignore_case = false;
    std::string aes_key;  // base64
    bool dial_private_net = true;
    Millis rule_patrol_interval{10'000};
    Millis graceful_shutdown_timeout{10'000};
};

struct RestartSettings {
    int64_t attempts = 0;
};

inline constexpr int64_t kMinWindowBytes = int64_t{1} << 20;
inline constexpr int64_t kMaxWindowBytes = int64_t{1} << 40;

// What a rule's `options` start from.
struct RuleSettings {
    bool is_event_time = false;
    Millis late_tolerance{1'000};
    int64_t concurrency = 1;
    int64_t buffer_length = 1'024;
    int64_t window_bytes = int64_t{256} << 20;
    bool send_meta_to_sink = false;
    bool send_error = false;
    int64_t qos = 0;
    Millis checkpoint_interval{300'000};
    RestartSettings restart_strategy;
};

// What the cache properties of an action start from, and what its templates may use for one message.
struct SinkSettings {
    bool enable_cache = false;
    int64_t memory_cache_threshold = 1'024;
    int64_t max_disk_cache = 1'024'000;
    int64_t buffer_page_size = 256;
    Millis resend_interval{0};
    bool clean_cache_at_stop = false;
    bool resend_alter_queue = false;
    int64_t resend_priority = 0;
    std::string resend_indicator_field;
    std::string resend_destination;
    int64_t template_max_steps = 1'000'000;
    int64_t template_max_bytes = 16 << 20;
};

// The data server: WebSocket endpoints.
struct SourceSettings {
    std::string http_server_ip = "0.0.0.0";
    uint16_t http_server_port = 10081;
    DataTls http_server_tls;
    std::vector<std::string> allowed_origins;
    int64_t max_clients = 10'000;
    int64_t max_clients_per_address = 10'000;
    Millis handshake_timeout{5'000};
};

struct StoreSettings {
    std::string type = "sqlite";
};

// Everything that is configured for the whole server. Read once at start; then immutable, any thread.
struct Settings {
    BasicSettings basic;
    RuleSettings rule;
    SinkSettings sink;
    SourceSettings source;
    StoreSettings store;
};

// The one description of the keys; see WriteReference and WriteDefaults for what is made of it.
const Schema<Settings>& SettingsSchema();

// Variables as NAME, value; see CurrentEnvironment.
using Environment = std::vector<std::pair<std::string, std::string>>;
Environment CurrentEnvironment();

// Blocks of properties by name out of files etc/sources/<type>.yaml, etc/sinks/<type>.yaml.
class ConfKeys {
  public:
    void Add(std::string_view type, Node blocks);
    // Block `default`, overlaid by block `key`; names ignore case. `found` (may be null) says whether `key`
    // exists.
    Node Properties(std::string_view type, std::string_view key, bool* found = nullptr) const;
    const std::map<std::string, Node, std::less<>>& types() const { return types_; }

  private:
    std::map<std::string, Node, std::less<>> types_;  // lower-case type -> object of blocks
};

struct Configuration {
    Settings settings;
    ConfKeys sources;
    ConfKeys sinks;
    Node connections = Node::MakeObject();  // etc/connections/connection.yaml: type -> id -> properties
    ReadReport report;
    std::string main_file;  // "" when there is none
};

// Reads etc/haumea.yaml (or etc/kuiper.yaml), the files of sources, sinks and connections, and the
// environment, which wins: HAUMEA__BASIC__RESTPORT, KUIPER__..., for files of sources <FILE>__<BLOCK>__<KEY>.
// Missing files are fine. The block `source` comes from the main file, over it etc/sources/websocket.yaml,
// below it etc/sources/httppush.yaml. The error names file (or variable), key, value and remedy.
Result<Configuration> LoadConfiguration(const std::string& etc_dir, const Environment& environment);

// docs/reference/configuration.md and etc/haumea.yaml.
std::string WriteReference();
std::string WriteDefaults();

}  // namespace haumea::config
