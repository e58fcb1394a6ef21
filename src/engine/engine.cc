#include "engine/engine.h"

#include <fmt/core.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "api/routes.h"
#include "api/services.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "config/settings.h"
#include "connect/memory_bus.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "connectors/builtin.h"
#include "data/cast.h"
#include "data/zone.h"
#include "engine/connector_factory.h"
#include "expr/function.h"
#include "http/router.h"
#include "http/server.h"
#include "io/loop.h"
#include "rule/catalog.h"
#include "rule/registry.h"
#include "store/kv.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::engine {
namespace {

log::Level LevelOf(const config::BasicSettings& basic) {
    if (basic.debug || basic.log_level == "debug") {
        return log::Level::kDebug;
    }
    return basic.log_level == "warn"    ? log::Level::kWarn
           : basic.log_level == "error" ? log::Level::kError
                                        : log::Level::kInfo;
}

ws::ServerSettings DataServerSettings(const config::SourceSettings& source) {
    ws::ServerSettings settings;
    settings.address = source.http_server_ip;
    settings.port = source.http_server_port;
    settings.allowed_origins = source.allowed_origins;
    settings.max_clients = static_cast<size_t>(source.max_clients);
    settings.max_clients_per_address = static_cast<size_t>(source.max_clients_per_address);
    settings.handshake_timeout_ms = source.handshake_timeout.value;
    return settings;
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
    // Made and destroyed on the data loop.
    struct OnLoop {
        ws::Server data_server;
        ws::ClientPool clients;
        connect::MemoryBus bus;
        OnLoop(io::Loop& loop, ws::ServerSettings settings)
            : data_server(loop, std::move(settings)), clients(loop), bus(loop) {}
    };
    std::unique_ptr<OnLoop> on_loop;
    std::unique_ptr<connect::Services> services;
    std::unique_ptr<ConnectorFactory> factory;

    io::Loop control_loop;
    std::unique_ptr<rule::Catalog> catalog;
    std::unique_ptr<rule::Registry> rules;
    api::Services rest_services;
    http::Router router;
    std::unique_ptr<http::Server> rest;

    Result<void> Configure();
    Result<void> StartDataLoop();
    Result<void> StartRules();
    Result<void> StartRest();
    void CloseConnections();
};

Result<void> Engine::Impl::Configure() {
    HAUMEA_TRY(configuration, config::LoadConfiguration(options.etc_dir, config::CurrentEnvironment()));
    const config::BasicSettings& basic = configuration.settings.basic;
    std::string log_file;
    if (basic.file_log) {
        std::error_code error;
        std::filesystem::create_directories(options.log_dir, error);
        log_file = options.log_dir + "/haumea.log";
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
        on_loop = std::make_unique<OnLoop>(data_loop, DataServerSettings(configuration.settings.source));
        services->data_server = &on_loop->data_server;
        services->client_pool = &on_loop->clients;
        services->memory_bus = &on_loop->bus;
    });
    services->data_dir = options.data_dir;
    services->aes_key = DecodeBase64(configuration.settings.basic.aes_key).value_or("");
    factory = std::make_unique<ConnectorFactory>(connectors, *services, configuration);
    return {};
}

Result<void> Engine::Impl::StartRules() {
    catalog = std::make_unique<rule::Catalog>(store->Table("stream"));
    HAUMEA_TRY_VOID(catalog->Load());
    rule::Environment environment;
    environment.control = &control_loop;
    environment.assign_home = [this](const std::string&) {
        return rule::HomeLoop{&data_loop,
                              [this](const std::function<void()>& task) { return data_loop.RunSync(task); }};
    };
    environment.plan = [this](const exec::RuleSpec& spec, io::Scheduler& home) {
        return exec::RulePipeline::Plan(spec, *catalog, *factory, home);
    };
    environment.describe = [this](const std::string& sql, const exec::RuleOptions& rule_options) {
        return exec::DescribePlan(sql, rule_options, *catalog);
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
    rest_services.stop = [this] { control_loop.Stop(); };
    api::AddRoutes(router, rest_services);
    http::ServerOptions server;
    server.address = basic.rest_ip;
    server.port = basic.rest_port;
    server.cert_file = basic.rest_tls.cert_file;
    server.key_file = basic.rest_tls.key_file;
    HAUMEA_TRY(rest, http::Server::Open(control_loop, server, http::WithCors([this](http::Request request) {
                                            return router.Dispatch(std::move(request));
                                        })));
    log::Info("haumea {} serves REST on {}://{}:{}; channels are on port {}", Version(),
              server.cert_file.empty() ? "http" : "https", basic.rest_ip, rest->port(),
              configuration.settings.source.http_server_port);
    if (basic.rest_ip != "127.0.0.1" && basic.rest_ip != "::1" && basic.rest_ip != "localhost") {
        log::Warn(
            "REST (port {}) and channels (port {}) are open to the network without authentication; bind them "
            "to one address with "
            "basic.restIp and source.httpServerIp, or put a proxy in front",
            rest->port(), configuration.settings.source.http_server_port);
    }
    return {};
}

// Waits, within the graceful shutdown time, until every client and remote has said goodbye.
void Engine::Impl::CloseConnections() {
    const int64_t limit_ns = configuration.settings.basic.graceful_shutdown_timeout.value * 1'000'000;
    const Clock& clock = SystemClock::Instance();
    const int64_t started = clock.MonotonicNs();
    for (bool idle = false; !idle && clock.MonotonicNs() - started < limit_ns;) {
        data_loop.RunSync([&] { idle = on_loop->data_server.idle() && on_loop->clients.idle(); });
        if (!idle) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
}

Result<std::unique_ptr<Engine>> Engine::Start(const EngineOptions& options) {
    auto engine = std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>()));
    Impl& impl = *engine->impl_;
    impl.options = options;
    HAUMEA_TRY_VOID(impl.Configure());
    HAUMEA_TRY_VOID(impl.StartDataLoop());
    HAUMEA_TRY_VOID(impl.StartRules());
    HAUMEA_TRY_VOID(impl.StartRest());
    return engine;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
    Impl& impl = *impl_;
    impl.rest.reset();
    if (impl.rules) {
        impl.rules->StopAll();
    }
    if (impl.data_thread.joinable()) {
        impl.CloseConnections();
        impl.rules.reset();
        impl.data_loop.RunSync([&impl] { impl.on_loop.reset(); });
        impl.data_loop.Stop();
        impl.data_thread.join();
    }
}

void Engine::Run() { impl_->control_loop.Run(); }
void Engine::Stop() { impl_->control_loop.Stop(); }
uint16_t Engine::rest_port() const { return impl_->rest->port(); }

}  // namespace haumea::engine
