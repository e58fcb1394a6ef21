#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/request_reader.h"
#include "io/stream.h"

namespace haumea::http {

// How an answer goes over the wire, `Connection: close` included. `with_body` is false for HEAD. Control
// characters in header values become blanks: nothing that a user wrote can start a header of its own.
std::string SerializeResponse(const Response& response, bool with_body);

// One accepted connection: reads a request within its deadline and limits, calls the handler, writes the
// answer, closes. Owned by the server; home loop only.
class Session {
  public:
    struct Options {
        RequestLimits limits;
        int64_t request_timeout_ms =
            30'000;  // from accept to the last byte of the request; once more for the answer
    };
    using Handler = std::function<Response(Request)>;

    // `done` is called once, from the loop, when the session can be destroyed.
    Session(io::Scheduler& scheduler, std::unique_ptr<io::Stream> stream, const Options& options,
            Handler handler, std::function<void()> done);
    void Start();
    // Calls the handler again if it has postponed its answer.
    void Retry();

  private:
    void Handle();
    void ReadRequest();
    void OnDeadline();
    void Answer(const Response& response, bool with_body);
    void WriteAnswer();
    // The client gets our last bytes only if we read what it still sends; a reset would discard them.
    void Linger();
    void Finish();

    io::Timer timer_;
    std::unique_ptr<io::Stream> stream_;
    Options options_;
    Handler handler_;
    std::function<void()> done_;
    RequestReader reader_;
    Request request_;
    bool postponed_ = false;
    std::string output_;
    size_t written_ = 0;
    bool overdue_ = false;
    bool answering_ = false;
    size_t drained_ = 0;
};

}  // namespace haumea::http
