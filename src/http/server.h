#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "http/router.h"
#include "io/loop.h"

namespace haumea::http {

struct ServerOptions {
    std::string address = "0.0.0.0";
    uint16_t port = 9081;  // 0: the kernel chooses
    size_t max_header_bytes = 64 << 10;
    size_t max_body_bytes = 16 << 20;     // more: 413
    int64_t request_timeout_ms = 30'000;  // from accept to the last byte of the request
    size_t max_connections = 256;
    std::string cert_file;  // both set: https
    std::string key_file;
};

// HTTP/1.1 server for REST and metrics. One request per connection (`Connection: close`, as the clients of
// eKuiper know it). I/O happens on `loop`; handlers run there too, so they may block that loop only (REST
// runs on the control thread's own loop, never on a data loop). A handler that throws or takes long harms no
// data path.
class Server {
  public:
    static Result<std::unique_ptr<Server>> Open(io::Loop& loop, const ServerOptions& options,
                                                std::function<Response(Request)> handler);
    virtual ~Server() = default;
    virtual uint16_t port() const = 0;
    // Asks the handlers again that have postponed their answers. Not from inside a handler.
    virtual void RetryPostponed() = 0;
};

}  // namespace haumea::http
