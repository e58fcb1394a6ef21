#include "engine/engine.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "api/routes.h"
#include "api/services.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "config/settings.h"
#include "connect/cache_farewells.h"
#include "connect/cache_file.h"
#include "connect/cache_plan.h"
#include "connect/memory_bus.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "connect/shared_source.h"
#include "connectors/builtin.h"
#include "data/cast.h"
#include "data/zone.h"
#include "engine/connectivity.h"
#include "engine/connector_factory.h"
#include "engine/stored_secrets.h"
#include "expr/function.h"
#include "http/router.h"
#include "http/server.h"
#include "io/blocking_pool.h"
#include "io/loop.h"
#include "io/tls.h"
#include "metrics/prometheus.h"
#include "rule/catalog.h"
#include "rule/conf_keys.h"
#include "rule/connections.h"
#include "rule/connections_secrets.h"
#include "rule/registry.h"
#include "store/kv.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::engine {
namespace {

// Each cache has one or two calls under way.
constexpr size_t kMaxCacheCalls = 1'000'000;

log::Level LevelOf(const config::BasicSettings& basic) {
    if (basic.debug || basic.log_level == "debug") {
        return log::Level::kDebug;
    }
    return basic.log_level == "warn"    ? log::Level::kWarn
           : basic.log_level == "error" ? log::Level::kError
                                        : log::Level::kInfo;
}

// The certificates are read when the port is opened, so that who needed it learns what is wrong with them.
void UseTls(const config::DataTls& files, ws::ServerSettings& settings) {
    io::TlsServerOptions options;
    options.certificate.file = files.cert_file;
    options.key.file = files.key_file;
    options.client_ca.file = files.client_ca;
    options.certificate.property = "certfile";
    options.key.property = "keyfile";
    options.client_ca.property = "clientCa";
    options.client_certificate = files.client_auth == "require"   ? io::ClientCertificate::kRequire
                                 : files.client_auth == "request" ? io::ClientCertificate::kRequest
                                                                  : io::ClientCertificate::kNone;
    options.min_version = files.tls_min_version == "tls1.3" ? io::TlsVersion::kTls13 : io::TlsVersion::kTls12;
    auto context = std::make_shared<std::shared_ptr<io::TlsContext>>();
    settings.prepare = [context, options]() -> Result<void> {
        auto made = io::TlsContext::ForServer(options);
        if (!made) {
            return Fail(std::move(made.error()).With("source.httpServerTls"));
        }
        *context = std::move(*made);
        return {};
    };
    settings.wrap = [context](std::unique_ptr<io::Stream> stream) -> std::unique_ptr<io::Stream> {
        return io::TlsStream::Server(std::move(stream), **context);
    };
}

ws::ServerSettings DataServerSettings(const config::SourceSettings& source) {
    ws::ServerSettings settings;
    settings.address = source.http_server_ip;
    settings.port = source.http_server_port;
    settings.allowed_origins = source.allowed_origins;
    settings.max_clients = static_cast<size_t>(source.max_clients);
    settings.max_clients_per_address = static_cast<size_t>(source.max_clients_per_address);
    settings.handshake_timeout_ms = source.handshake_timeout.value;
    if (!source.http_server_tls.cert_file.empty()) {
        UseTls(source.http_server_tls, settings);
    }
    return settings;
}

// {"websocket":{...}} in each of `actions`, or one of `streams`, names that connection.
bool Uses(const rule::Rule& rule, const std::string& connection, const ConnectorFactory& factory,
          const rule::Catalog& catalog) {
    const auto names_it = [&connection](const std::vector<std::string>& selectors) {
        return std::find(selectors.begin(), selectors.end(), connection) != selectors.end();
    };
    for (const config::Node& action : rule.def().actions) {
        if (names_it(factory.SelectorsOf(action))) {
            return true;
        }
    }
    const rule::Rule::Run* run = rule.last_run();
    const std::vector<std::string> streams = run != nullptr ? run->streams : std::vector<std::string>();
    return std::any_of(streams.begin(), streams.end(), [&](const std::string& name) {
        const auto stream = catalog.FindStream(name);
        return stream != nullptr && names_it(factory.SelectorsOf(*stream));
    });
}

int StatusOf(const rule::Rule& rule) {
    return rule.running() ? 1 : rule.machine().state() == rule::State::kStoppedByError ? -1 : 0;
}

http::Response Metrics(const rule::Registry& rules, const rule::Connections& connections) {
    std::vector<metrics::RuleMetrics> list;
    for (const rule::Rule* rule : rules.All()) {
        metrics::RuleMetrics& entry = list.emplace_back(
            metrics::RuleMetrics{.id = rule->def().id, .status = StatusOf(*rule), .nodes = {}});
        if (const rule::Rule::Run* run = rule->last_run()) {
            static_cast<void>(rule->ReadNumbers());  // brings the counters of the nodes up to date
            for (const auto& node : run->nodes) {
                entry.nodes.push_back(node.get());
            }
        }
    }
    metrics::PrometheusText text;
    metrics::WriteRules(text, list);
    connections.WriteMetrics(text);
    return {.status = 200,
            .content_type = std::string(metrics::PrometheusText::kContentType),
            .body = text.Take(),
            .headers = {}};
}

// Those that look at connections before they change anything, and change one thing.
bool MayBeAskedAgain(const http::Request& request) {
    const std::string_view path = request.path;
    return path == "/rules" || (path.starts_with("/rules/") && !path.starts_with("/rules/bulk")) ||
           path.starts_with("/metadata/");
}

}  // namespace

// Everything, in the order of construction: what comes later uses what comes earlier.
struct Engine::Impl {
    EngineOptions options;
    const int64_t started_ms = SystemClock::Instance().NowMs();
    config::Configuration configuration;
    std::unique_ptr<store::Store> store;
    connect::Registry connectors;

    io::Loop data_loop;
    std::thread data_thread;
    // Reads and writes the caches of actions. Joined before the loop goes, with everything written.
    std::unique_ptr<io::BlockingPool> cache_disk;
    // Made and destroyed on the data loop.
    struct OnLoop {
        ws::Server data_server;
        ws::ClientPool clients;
        connect::MemoryBus bus;
        connect::SharedSources shared;
        connect::CacheFarewells farewells;
        OnLoop(io::Loop& loop, ws::ServerSettings settings, bool dial_private_net)
            : data_server(loop, std::move(settings)),
              clients(loop, !dial_private_net),
              bus(loop),
              shared(loop),
              farewells(loop) {}
    };
    std::unique_ptr<OnLoop> on_loop;
    std::unique_ptr<connect::Services> services;
    std::unique_ptr<Connectivity> connectivity;

    io::Loop control_loop;
    std::unique_ptr<rule::Connections> connections;
    std::unique_ptr<rule::ConfKeys> conf_keys;
    std::unique_ptr<ConnectorFactory> factory;
    std::unique_ptr<rule::Catalog> catalog;
    std::unique_ptr<rule::Registry> rules;
    api::Services rest_services;
    http::Router router;
    std::unique_ptr<http::Server> rest;
    http::Router metrics_router;
    std::unique_ptr<http::Server> metrics_server;

    Result<void> Configure();
    Result<void> StartDataLoop();
    Result<void> StartConnections();
    Result<void> StartRules();
    Result<void> StartRest();
    Result<void> StartMetrics();
    void WarnOfOpenPorts(uint16_t rest_port) const;
    http::Response Answer(http::Request request);
    Result<void> Reconfigure(const config::Node& patch);
    rule::HomeLoop Home();
    // Ids of the running rules that have selected it.
    std::vector<std::string> RulesWith(const std::string& connection) const;
    Result<void> CheckProperties(api::Services::Role role, const config::Node& props);
    void CloseConnections();
};

Result<void> Engine::Impl::Configure() {
    HAUMEA_TRY(configuration, config::LoadConfiguration(options.etc_dir, config::CurrentEnvironment()));
    const config::BasicSettings& basic = configuration.settings.basic;
    std::string log_file;
    if (basic.file_log) {
        std::error_code error;
        std::filesystem::create_directories(options.log_dir, error);
        log_file = options.log_dir + "/stream.log";
    }
    log::Init(LevelOf(basic), basic.console_log, log_file);
    for (const std::string& warning : configuration.report.warnings) {
        log::Warn("{}", warning);
    }
    for (const std::string& note : configuration.report.notes) {
        log::Debug("{}", note);
    }
    HAUMEA_TRY_VOID(SetDefaultZone(basic.timezone));
    HAUMEA_TRY(store, store::OpenSqliteStore(options.data_dir + "/haumea.db"));
    return {};
}

Result<void> Engine::Impl::StartDataLoop() {
    connectors::RegisterBuiltinConnectors(connectors);
    data_thread = std::thread([this] { data_loop.Run(); });
    services = std::make_unique<connect::Services>(data_loop);
    data_loop.RunSync([this] {
        const config::Settings& settings = configuration.settings;
        on_loop = std::make_unique<OnLoop>(data_loop, DataServerSettings(settings.source),
                                           settings.basic.dial_private_net);
        services->data_server = &on_loop->data_server;
        services->client_pool = &on_loop->clients;
        services->memory_bus = &on_loop->bus;
        services->shared_sources = &on_loop->shared;
        services->cache_farewells = &on_loop->farewells;
    });
    services->data_dir = options.data_dir;
    cache_disk = std::make_unique<io::BlockingPool>(1, kMaxCacheCalls);
    services->cache_disk = cache_disk.get();
    services->template_limits.max_steps = configuration.settings.sink.template_max_steps;
    services->template_limits.max_output_bytes =
        static_cast<size_t>(configuration.settings.sink.template_max_bytes);
    services->aes_key = DecodeBase64(configuration.settings.basic.aes_key).value_or("");
    connectivity = std::make_unique<Connectivity>(data_loop, on_loop->data_server, on_loop->clients);
    connectivity->OnAnswer([this](const Result<void>& answer) {
        // A rule or a request may be waiting for it.
        control_loop.Post([this, connected = answer.has_value()] {
            if (rest) {
                rest->RetryPostponed();
            }
            if (connected) {
                rules->FollowConditions();
            }
        });
    });
    return {};
}

rule::HomeLoop Engine::Impl::Home() {
    return {&data_loop, [this](const std::function<void()>& task) { return data_loop.RunSync(task); }};
}

Result<void> Engine::Impl::StartConnections() {
    rule::Connections::Environment environment;
    environment.control = &control_loop;
    environment.home = Home();
    environment.data_server = &on_loop->data_server;
    environment.clients = &on_loop->clients;
    environment.configured = configuration.connections;
    environment.references = [this](const std::string& id) { return RulesWith(id); };
    connections = std::make_unique<rule::Connections>(std::move(environment), store->Table("endpoint"),
                                                      store->Table("connection"));
    conf_keys =
        std::make_unique<rule::ConfKeys>(configuration.sources, configuration.sinks, store->Table("confKey"));
    HAUMEA_TRY_VOID(conf_keys->Load());
    factory = std::make_unique<ConnectorFactory>(connectors, *services, configuration.settings.sink,
                                                 *conf_keys, *connections, *connectivity);
    return connections->Load();
}

std::vector<std::string> Engine::Impl::RulesWith(const std::string& connection) const {
    std::vector<std::string> ids;
    if (rules == nullptr) {
        return ids;
    }
    for (const rule::Rule* rule : rules->All()) {
        if (rule->running() && Uses(*rule, connection, *factory, *catalog)) {
            ids.push_back(rule->def().id);
        }
    }
    return ids;
}

Result<void> Engine::Impl::CheckProperties(api::Services::Role role, const config::Node& props) {
    const bool is_source = role == api::Services::Role::kSource;
    const auto completed = [&](const config::Node& given) {
        return is_source ? factory->Complete(given) : factory->CompleteAction("websocket", given);
    };
    HAUMEA_TRY(config::Node complete, completed(props));
    if (!rule::FindMaskedSecret(complete).empty()) {
        HAUMEA_TRY(const config::Node given, WithStoredSecrets(props, *connections, rules.get(), *conf_keys,
                                                               is_source ? rule::ConfKeys::Kind::kSource
                                                                         : rule::ConfKeys::Kind::kSink));
        HAUMEA_TRY(complete, completed(given));
    }
    const bool has_path =
        complete.FindNoCase("path") != nullptr || complete.FindNoCase("datasource") != nullptr;
    if (is_source && !has_path) {
        // A source's path is said by its stream, which does not exist yet.
        complete.Set("datasource", "/$$TEST_CONNECTION$$");
    }
    HAUMEA_TRY(
        const connectors::WebSocketConfig config,
        connectors::ReadWebSocketConfig(complete, "", is_source ? "source websocket" : "sink websocket"));
    return connectivity->Check(config);
}

Result<void> Engine::Impl::StartRules() {
    catalog = std::make_unique<rule::Catalog>(store->Table("stream"));
    HAUMEA_TRY_VOID(catalog->Load());
    rule::Environment environment;
    environment.control = &control_loop;
    environment.assign_home = [this](const std::string&) { return Home(); };
    environment.plan = [this](const exec::RuleSpec& spec, io::Scheduler& home) {
        return exec::RulePipeline::Plan(spec, *catalog, *factory, home);
    };
    environment.describe = [this](const std::string& sql, const exec::RuleOptions& rule_options) {
        return exec::DescribePlan(sql, rule_options, *catalog);
    };
    environment.deleted = [this](const std::string& id) {
        data_loop.RunSync([&] { connect::RemoveCaches(*services, id); });
    };
    environment.replacing = [this](const exec::RuleSpec& before, const exec::RuleSpec& after) {
        std::function<void(bool)> finish = [](bool) {};
        data_loop.RunSync([&] {
            finish =
                connect::HoldCaches(*services, after.id, connect::PlanCaches(before.actions, after.actions));
        });
        return [this, finish = std::move(finish)](bool replaced) {
            data_loop.RunSync([&] { finish(replaced); });
        };
    };
    environment.hold_clients = [this]() -> std::shared_ptr<void> {
        if (!data_loop.RunSync([this] { on_loop->data_server.HoldEndpoints(); })) {
            return nullptr;
        }
        // Shared only for its deleter, which runs when the change of rules is over.
        return {this, [this](void*) { data_loop.RunSync([this] { on_loop->data_server.LetGo(); }); }};
    };
    environment.functions = &expr::FunctionRegistry::Builtin();
    environment.patrol_interval_ms = configuration.settings.basic.rule_patrol_interval.value;
    rules = std::make_unique<rule::Registry>(std::move(environment), store->Table("rule"),
                                             rule::DefaultOptions(configuration.settings.rule));
    catalog->SetUsage([this](const std::string& stream) { return rules->IsStreamInUse(stream); });
    return rules->Recover();
}

Result<void> Engine::Impl::StartRest() {
    const config::BasicSettings& basic = configuration.settings.basic;
    rest_services.catalog = catalog.get();
    rest_services.rules = rules.get();
    rest_services.clock = &SystemClock::Instance();
    rest_services.started_ms = started_ms;
    // A moment later, so that the answer still goes out.
    rest_services.stop = [this] { control_loop.RunAfter(200, [this] { control_loop.Stop(); }); };
    rest_services.configure = [this](const config::Node& patch) { return Reconfigure(patch); };
    rest_services.connections = connections.get();
    rest_services.conf_keys = conf_keys.get();
    rest_services.is_connector = [this](api::Services::Role role, std::string_view type) {
        return role == api::Services::Role::kSource ? connectors.FindSource(type) != nullptr
                                                    : connectors.FindSink(type) != nullptr;
    };
    rest_services.check = [this](api::Services::Role role, std::string_view, const config::Node& props) {
        return CheckProperties(role, props);
    };
    api::AddRoutes(router, rest_services);
    http::ServerOptions server;
    server.address = basic.rest_ip;
    server.port = basic.rest_port;
    server.cert_file = basic.rest_tls.cert_file;
    server.key_file = basic.rest_tls.key_file;
    auto opened = http::Server::Open(control_loop, server, http::WithCors([this](http::Request request) {
                                         return Answer(std::move(request));
                                     }));
    if (!opened) {
        return Fail(std::move(opened.error()).With("basic.restIp, basic.restPort, basic.restTls"));
    }
    rest = std::move(*opened);
    log::Info("haumea {} serves REST on {}://{}:{}; channels are on port {}", Version(),
              server.cert_file.empty() ? "http" : "https", basic.rest_ip, rest->port(),
              configuration.settings.source.http_server_port);
    WarnOfOpenPorts(rest->port());
    return {};
}

// Everybody who reaches them may read and change everything.
void Engine::Impl::WarnOfOpenPorts(uint16_t rest_port) const {
    const auto is_local = [](const std::string& address) {
        return address.starts_with("127.") || address == "::1" || address == "localhost";
    };
    const config::BasicSettings& basic = configuration.settings.basic;
    const config::SourceSettings& source = configuration.settings.source;
    if (!is_local(basic.rest_ip)) {
        log::Warn(
            "REST ({}, port {}) is open to the network without authentication; set basic.restIp to "
            "127.0.0.1, "
            "or put a proxy in front",
            basic.rest_ip, rest_port);
    }
    if (!is_local(source.http_server_ip) && source.http_server_tls.client_auth != "require") {
        log::Warn(
            "WebSocket channels ({}, port {}, opened with the first endpoint) are open to the network "
            "without "
            "authentication; set source.httpServerIp to 127.0.0.1, put a proxy in front, or ask for "
            "certificates with source.httpServerTls.clientAuth: require",
            source.http_server_ip, source.http_server_port);
    }
}

// A request that waits for a handshake is asked again when that is over; nobody else waits with it.
http::Response Engine::Impl::Answer(http::Request request) {
    const std::shared_ptr<http::Postponement> later =
        MayBeAskedAgain(request) ? request.postponement : nullptr;
    const Connectivity::Patience somebody_waits(*connectivity, later ? &later->state : nullptr);
    http::Response response = router.Dispatch(std::move(request));
    if (somebody_waits.postponed()) {
        later->wanted = true;
        later->ready = somebody_waits.answered();
    }
    return response;
}

// PATCH /configs: what may change while the server runs, beside the log level.
Result<void> Engine::Impl::Reconfigure(const config::Node& patch) {
    const config::Node* zone = patch.FindNoCase("timezone");
    Result<void> changed;
    if (zone != nullptr && zone->is_string() && !zone->as_string().empty()) {
        // Rules read the zone on the data loop; this thread waits for it meanwhile.
        data_loop.RunSync([&] { changed = SetDefaultZone(zone->as_string()); });
    }
    for (const char* name : {"consoleLog", "fileLog"}) {
        if (patch.FindNoCase(name) != nullptr) {
            log::Warn("PATCH /configs: {} takes effect when it stands in the configuration at the next start",
                      name);
        }
    }
    return changed;
}

Result<void> Engine::Impl::StartMetrics() {
    const config::BasicSettings& basic = configuration.settings.basic;
    if (!basic.prometheus) {
        return {};
    }
    const auto handler = [this](const http::Request&) { return Metrics(*rules, *connections); };
    if (basic.prometheus_port == basic.rest_port) {
        router.Add("GET", "/metrics", handler);
        return {};
    }
    metrics_router.Add("GET", "/metrics", handler);
    http::ServerOptions server;
    server.address = basic.rest_ip;
    server.port = basic.prometheus_port;
    auto opened = http::Server::Open(control_loop, server, [this](http::Request request) {
        return metrics_router.Dispatch(std::move(request));
    });
    if (!opened) {
        return Fail(std::move(opened.error()).With("basic.prometheusPort"));
    }
    metrics_server = std::move(*opened);
    log::Info("metrics are on http://{}:{}/metrics", basic.rest_ip, metrics_server->port());
    return {};
}

// Waits, within the graceful shutdown time, until every client and remote has said goodbye.
void Engine::Impl::CloseConnections() {
    // Shared with callbacks that may come too late.
    const auto idle = std::make_shared<std::promise<void>>();
    data_loop.RunSync([this, &idle] {
        on_loop->clients.CancelProbes();
        on_loop->data_server.OnIdle([this, idle] { on_loop->clients.OnIdle([idle] { idle->set_value(); }); });
    });
    idle->get_future().wait_for(
        std::chrono::milliseconds(configuration.settings.basic.graceful_shutdown_timeout.value));
}

Result<std::unique_ptr<Engine>> Engine::Start(const EngineOptions& options) {
    auto engine = std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>()));
    Impl& impl = *engine->impl_;
    impl.options = options;
    HAUMEA_TRY_VOID(impl.Configure());
    HAUMEA_TRY_VOID(impl.StartDataLoop());
    HAUMEA_TRY_VOID(impl.StartConnections());
    HAUMEA_TRY_VOID(impl.StartRules());
    HAUMEA_TRY_VOID(impl.StartRest());
    HAUMEA_TRY_VOID(impl.StartMetrics());
    return engine;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
    Impl& impl = *impl_;
    impl.rest.reset();
    impl.metrics_server.reset();
    if (impl.on_loop) {
        impl.data_loop.RunSync([&impl] {
            impl.on_loop->data_server.SetFarewell(ws::CloseCode::kGoingAway, "the server is shutting down");
            impl.on_loop->clients.SetFarewell(ws::CloseCode::kGoingAway, "the engine is shutting down");
        });
    }
    if (impl.rules) {
        impl.rules->StopAll();
    }
    impl.connections.reset();
    if (impl.data_thread.joinable()) {
        impl.CloseConnections();
        impl.rules.reset();
        impl.data_loop.RunSync([&impl] { impl.on_loop->farewells.FinishAll(); });
        impl.cache_disk.reset();
        impl.data_loop.RunSync([&impl] { impl.on_loop.reset(); });
        impl.data_loop.Stop();
        impl.data_thread.join();
    }
}

void Engine::Run() { impl_->control_loop.Run(); }
void Engine::Stop() {
    impl_->connectivity->Abort();
    impl_->control_loop.Stop();
}

uint16_t Engine::rest_port() const { return impl_->rest->port(); }

}  // namespace haumea::engine
