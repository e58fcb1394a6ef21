#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "metrics/prometheus.h"
#include "rule/environment.h"
#include "store/kv.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::rule {

struct ConnectionState;

// The connections that exist without a rule: endpoints made over REST, and named connections of both roles,
// which rules and streams use with `connectionSelector`. Their definitions are in the store; what is open
// lives on the data loop. Owned by the engine; control thread only. Errors carry the whole text but the
// prefix of the endpoint.
class Connections {
  public:
    struct Environment {
        io::Scheduler* control = nullptr;   // not owned; where this lives
        HomeLoop home;                      // of data server and clients
        ws::Server* data_server = nullptr;  // not owned, like clients; used on the home loop
        ws::ClientPool* clients = nullptr;
        config::Node configured;  // etc/connections/connection.yaml: type -> name -> properties
        // Ids of the rules that run with that connection. May be empty: nobody does.
        std::function<std::vector<std::string>(const std::string& id)> references = {};
    };
    // `endpoints` keeps a text by path, `named` `{"typ":"websocket","props":{...}}` by id. Both outlive this.
    Connections(Environment environment, store::KeyValue& endpoints, store::KeyValue& named);
    ~Connections();  // says goodbye to every client and remote that nobody else holds
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    // Reads the store and opens everything; once, before rules start. What cannot be opened (port in use,
    // unreadable certificate) is logged, stays, says why and is tried again. The error is one of the store.
    Result<void> Load();

    // Managed endpoints. Adding one that is there and removing one that is not are no errors.
    Result<void> AddEndpoint(const std::string& path);
    Result<void> RemoveEndpoint(const std::string& path);
    // Is the path served, whoever holds it?
    bool IsServed(const std::string& path) const;

    // Named connections. What was accepted without effect comes back as warnings.
    using Warnings = std::vector<std::string>;
    Result<Warnings> Create(const std::string& id, const std::string& type, config::Node props);
    // Masked secrets in `props` stand for the stored ones.
    Result<Warnings> Update(const std::string& id, const std::string& type, config::Node props);
    // One that does not exist is no error.
    Result<void> Delete(const std::string& id);
    // As REST shows it, secrets masked: {"id","typ","props","isNamed","status","err","refCount","stats"}.
    Result<config::Node> Describe(const std::string& id) const;
    // Named ones; with `all` also what rules and managed endpoints have opened.
    config::Node List(bool all) const;

    // The properties behind a connectionSelector: a named connection, or `websocket.<name>` of the
    // configuration file. With secrets.
    Result<config::Node> Select(std::string_view selector) const;

    // The properties of every named connection, with secrets.
    std::vector<config::Node> AllProperties() const;

    // What is counted of every endpoint and connection, and of the data server, for Prometheus.
    void WriteMetrics(metrics::PrometheusText& text) const;

    // The data server: port, clients, handshakes by outcome (those of no endpoint too).
    config::Node DataServer() const;
    // Clients of an endpoint: [{"id","address","since",...}].
    Result<config::Node> ClientsOf(const std::string& path) const;
    Result<void> Kick(const std::string& path, uint64_t client);
    // The path that a named connection serves; an error for one that dials a remote.
    Result<std::string> ServedPath(const std::string& id) const;

  private:
    class Open;
    struct Named {
        config::Node props;
        std::string path;            // server role; empty in client role
        std::unique_ptr<Open> open;  // made and destroyed on the home loop
        std::string error;           // why it could not be opened
    };

    void OnHome(const std::function<void()>& task) const;
    Result<void> Hold(const std::string& path);
    // Opens what could not be opened before.
    void Retry();
    void RetryLater();
    // Replaces what `named` holds by what `props` say; on an error it holds what it held.
    Result<Warnings> Reopen(const std::string& id, Named& named, const config::Node& props);
    Result<void> Store(const std::string& id, const config::Node& props);
    Result<void> RefuseInUse(const std::string& id) const;
    const Named* Find(std::string_view id) const;
    ConnectionState StateOfNamed(const Named& named) const;
    config::Node Show(const std::string& id, const Named& named) const;
    void AppendAnonymous(config::Node& list) const;

    Environment environment_;
    store::KeyValue* endpoints_table_;
    store::KeyValue* named_table_;
    std::map<std::string, ws::EndpointRef, std::less<>> endpoints_;  // shares: touched on the home loop
    std::map<std::string, Named, std::less<>> named_;
    std::vector<std::string> not_held_;  // managed endpoints that could not be opened yet
    io::Timer retry_;
};

}  // namespace haumea::rule
