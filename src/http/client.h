#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace haumea::http {

// One blocking request over a plain connection: the command line client and tests. Never from a loop.
Result<Response> Fetch(const std::string& method, const std::string& host, uint16_t port,
                       const std::string& target, const std::string& body = "", int64_t timeout_ms = 10'000);

}  // namespace haumea::http
