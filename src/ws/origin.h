#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace haumea::ws {

// Where a request comes from, for CheckOrigin.
enum class Peer : uint8_t { kLoopback, kRemote };

// May a page of `origin` open a channel on a server it addressed as `host` (the Host header)? Yes without an
// origin; for the same host on any port; for a loopback origin; for "null" (a page opened from a file) when
// the client itself is on loopback; for whatever `allowed_origins` lists ("*": all; else
// scheme://host[:port], any case). Pure.
bool IsOriginAllowed(std::string_view origin, std::string_view host, Peer peer,
                     std::span<const std::string> allowed_origins) noexcept;

}  // namespace haumea::ws
