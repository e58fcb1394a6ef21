#pragma once

#include <memory>
#include <span>
#include <string>

#include "http/message.h"

namespace haumea::http {

struct RequestLimits {
    size_t max_header_bytes = 64 << 10;  // request line and headers; more: 431
    size_t max_headers = 100;            // more: 431
    size_t max_body_bytes = 16 << 20;    // more: 413
};

// Takes the bytes of one request as they come and checks them by RFC 9112, strictly where two readers could
// see two different requests: both Content-Length and Transfer-Encoding, several or odd lengths, codings
// other than chunked, no Host. Owned by one session; one thread.
class RequestReader {
  public:
    enum class State { kMore, kComplete, kRefused };

    explicit RequestReader(const RequestLimits& limits);
    ~RequestReader();

    // Takes the next bytes. What comes after the end of the request is ignored.
    State Feed(std::span<const char> bytes);
    // True once, when the client waits for "100 Continue" before it sends the body.
    bool TakeExpectContinue();
    // After kComplete.
    Request TakeRequest();
    // After kRefused: status and a body that says why.
    const Response& refusal() const { return refusal_; }

  private:
    struct Parser;
    State Refuse(int status, const std::string& reason);
    State CheckHeaders();

    RequestLimits limits_;
    std::unique_ptr<Parser> parser_;
    Headers headers_;  // of the head
    Response refusal_;
    State state_ = State::kMore;
    bool head_checked_ = false;
    bool expect_continue_ = false;
};

}  // namespace haumea::http
