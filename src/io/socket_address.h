#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace haumea::io {

// An IPv4 or IPv6 address with its port. A plain value.
class SocketAddress {
  public:
    SocketAddress() = default;
    SocketAddress(const sockaddr* address, socklen_t size) noexcept;
    // A literal ("127.0.0.1", "::1", "fe80::1%eth0", brackets allowed); nothing for a name.
    static std::optional<SocketAddress> Parse(const std::string& host, uint16_t port);
    static SocketAddress LocalOf(int fd) noexcept;
    static SocketAddress RemoteOf(int fd) noexcept;

    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const noexcept { return size_; }
    int family() const noexcept { return storage_.ss_family; }
    uint16_t port() const noexcept;
    void set_port(uint16_t port) noexcept;
    // Of no use on the public internet: loopback, link-local, private, shared (RFC 6598), unspecified; IPv4
    // also inside IPv6. What is neither IPv4 nor IPv6 is.
    bool is_private() const noexcept;
    // "127.0.0.1:80", "[::1]:80".
    std::string ToString() const;

  private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

}  // namespace haumea::io
