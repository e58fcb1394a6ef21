#include "connectors/websocket/websocket_numbers.h"

namespace haumea::connectors {
namespace {

using metrics::Number;
using metrics::NumberKind;
using metrics::Numbers;
using Type = metrics::PrometheusText::FamilyType;

constexpr Type kCounter = Type::kCounter;
constexpr Type kGauge = Type::kGauge;

// Of both roles.
constexpr NumberKind kMessagesIn{"messagesIn", "messages_in_total", kCounter, "Messages received"};
constexpr NumberKind kBytesIn{"bytesIn", "bytes_in_total", kCounter, "Payload received, after inflating"};
constexpr NumberKind kMessagesOut{"messagesOut", "messages_out_total", kCounter,
                                  "Messages handed to sockets whole, once for each client"};
constexpr NumberKind kBytesOut{"bytesOut", "bytes_out_total", kCounter, "Bytes to sockets, framing included"};
constexpr NumberKind kDropped{"dropped", "dropped_total", kCounter, "Messages lost on purpose by reason",
                              "reason"};
constexpr NumberKind kBacklogMessagesMax{"backlogMessagesMax",
                                         "backlog_messages_max",
                                         kGauge,
                                         "Most messages that ever waited for one peer",
                                         {},
                                         true};
constexpr NumberKind kBacklogBytesMax{
    "backlogBytesMax", "backlog_bytes_max", kGauge, "Most bytes that ever waited for one peer", {}, true};
constexpr NumberKind kHandshakes{"handshakes", "handshakes_total", kCounter, "Opening handshakes by outcome",
                                 "outcome"};
constexpr NumberKind kRoundTrip{
    "pingRoundTripUs", "ping_round_trip_us", kGauge, "Of the last ping, in microseconds", {}, true};
constexpr NumberKind kRoundTripMax{
    "pingRoundTripMaxUs", "ping_round_trip_max_us", kGauge, "Longest of a ping, in microseconds", {}, true};
// Server role.
constexpr NumberKind kClients{"clients", "clients", kGauge, "Clients connected now"};
constexpr NumberKind kConnected{"clientsTotal", "clients_total", kCounter,
                                "Clients that were ever connected"};
constexpr NumberKind kSlow{"slowClients", "slow_clients", kGauge, "Clients that miss messages now"};
constexpr NumberKind kPublished{"published", "published_total", kCounter,
                                "Messages taken for at least one client"};
constexpr NumberKind kIgnored{"messagesIgnored", "messages_ignored_total", kCounter,
                              "Messages received while nothing read them"};
constexpr NumberKind kSharedMessages{"logMessages", "log_messages", kGauge,
                                     "Messages that wait now, shared by all clients"};
constexpr NumberKind kSharedBytes{"logBytes", "log_bytes", kGauge,
                                  "Bytes that wait now, shared by all clients"};
constexpr NumberKind kClosedByUs{"clientsClosed", "clients_closed_total", kCounter,
                                 "Clients closed by this side by reason", "reason"};
// Client role.
constexpr NumberKind kReconnects{"reconnects", "reconnects_total", kCounter,
                                 "Connections made after the first"};
constexpr NumberKind kAttempts{"attempts", "attempts_total", kCounter, "Dials"};
constexpr NumberKind kFailures{"handshakeFailures", "handshake_failures_total", kCounter,
                               "Dials that failed by step", "step"};
constexpr NumberKind kLosses{"disconnects", "disconnects_total", kCounter,
                             "Connections that ended without our asking"};
constexpr NumberKind kBacklogMessages{"backlogMessages", "backlog_messages", kGauge,
                                      "Messages that wait now"};
constexpr NumberKind kBacklogBytes{"backlogBytes", "backlog_bytes", kGauge, "Bytes that wait now"};

class Adder {
  public:
    explicit Adder(Numbers& into) : into_(&into) {}
    void operator()(const NumberKind& kind, uint64_t value) const {
        into_->push_back({&kind, {}, Clip(value)});
    }
    void operator()(const NumberKind& kind, std::string_view label, uint64_t value) const {
        into_->push_back({&kind, label, Clip(value)});
    }
    // -1: not measured yet, left out.
    void Time(const NumberKind& kind, int64_t us) const {
        if (us >= 0) {
            into_->push_back({&kind, {}, us});
        }
    }

  private:
    static int64_t Clip(uint64_t value) { return static_cast<int64_t>(value); }
    Numbers* into_;
};

}  // namespace

void AddNumbers(const ws::HandshakeStats& stats, Numbers& into) {
    const Adder add(into);
    add(kHandshakes, "accepted", stats.accepted);
    add(kHandshakes, "malformed", stats.malformed);
    add(kHandshakes, "wrong_method", stats.wrong_method);
    add(kHandshakes, "wrong_version", stats.wrong_version);
    add(kHandshakes, "unknown_path", stats.unknown_path);
    add(kHandshakes, "origin_refused", stats.origin_refused);
    add(kHandshakes, "over_limit", stats.over_limit);
    add(kHandshakes, "no_common_subprotocol", stats.subprotocol);
    add(kHandshakes, "timed_out", stats.timed_out);
    add(kHandshakes, "tls_failed", stats.tls_failed);
    add(kHandshakes, "ended_early", stats.ended_early);
}

void AddNumbers(const ws::EndpointStats& stats, Numbers& into) {
    const Adder add(into);
    add(kClients, stats.clients);
    add(kConnected, stats.connected_total);
    add(kSlow, stats.hub.slow_clients);
    add(kMessagesIn, stats.messages_in);
    add(kBytesIn, stats.bytes_in);
    add(kIgnored, stats.messages_ignored);
    add(kPublished, stats.hub.published);
    add(kMessagesOut, stats.hub.deliveries);
    add(kBytesOut, stats.hub.bytes_out);
    add(kDropped, "no_client", stats.hub.no_client);
    add(kDropped, "oldest", stats.hub.dropped_oldest);
    add(kDropped, "newest", stats.hub.dropped_newest);
    add(kDropped, "conflated", stats.hub.dropped_conflated);
    add(kDropped, "closed", stats.hub.dropped_on_close);
    add(kSharedMessages, stats.hub.log_messages);
    add(kSharedBytes, stats.hub.log_bytes);
    add(kBacklogMessagesMax, stats.hub.backlog_messages_max);
    add(kBacklogBytesMax, stats.hub.backlog_bytes_max);
    add(kClosedByUs, "too_slow", stats.hub.closed_slow);
    add(kClosedByUs, "no_pong", stats.pong_timeouts);
    add(kClosedByUs, "protocol_error", stats.protocol_errors);
    add(kClosedByUs, "too_big", stats.too_big);
    add(kClosedByUs, "control_flood", stats.control_floods);
    add(kClosedByUs, "kicked", stats.kicked);
    // Causes that can be told of a path; the others are the data server's.
    add(kHandshakes, "accepted", stats.handshakes.accepted);
    add(kHandshakes, "malformed", stats.handshakes.malformed);
    add(kHandshakes, "wrong_method", stats.handshakes.wrong_method);
    add(kHandshakes, "wrong_version", stats.handshakes.wrong_version);
    add(kHandshakes, "origin_refused", stats.handshakes.origin_refused);
    add(kHandshakes, "over_limit", stats.handshakes.over_limit);
    add(kHandshakes, "no_common_subprotocol", stats.handshakes.subprotocol);
    add.Time(kRoundTrip, stats.ping_rtt_us_last);
    add.Time(kRoundTripMax, stats.ping_rtt_us_max);
}

void AddNumbers(const ws::ClientStatus& status, Numbers& into) {
    const Adder add(into);
    add(kAttempts, status.attempts);
    add(kReconnects, status.connects > 1 ? status.connects - 1 : 0);
    add(kLosses, status.losses);
    const auto failed = [&](std::string_view step, io::ConnectStep index) {
        add(kFailures, step, status.failures[static_cast<size_t>(index)]);
    };
    failed("dns", io::ConnectStep::kDns);
    failed("tcp", io::ConnectStep::kTcp);
    failed("proxy", io::ConnectStep::kProxy);
    failed("tls", io::ConnectStep::kTls);
    failed("http", io::ConnectStep::kHttp);
    failed("websocket", io::ConnectStep::kWebSocket);
    add(kMessagesIn, status.messages_in);
    add(kBytesIn, status.bytes_in);
    add(kMessagesOut, status.messages_out);
    add(kBytesOut, status.bytes_out);
    add(kDropped, "oldest", status.dropped_oldest);
    add(kDropped, "newest", status.dropped_newest);
    add(kDropped, "conflated", status.dropped_conflated);
    add(kDropped, "closed", status.dropped_on_close);
    add(kBacklogMessages, status.backlog_messages);
    add(kBacklogBytes, status.backlog_bytes);
    add(kBacklogMessagesMax, status.backlog_messages_max);
    add(kBacklogBytesMax, status.backlog_bytes_max);
    add.Time(kRoundTrip, status.last_round_trip_us);
    add.Time(kRoundTripMax, status.max_round_trip_us);
}

}  // namespace haumea::connectors
