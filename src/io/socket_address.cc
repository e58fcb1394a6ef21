#include "io/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace haumea::io {

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) noexcept
    : size_(std::min<socklen_t>(size, sizeof storage_)) {
    std::memcpy(&storage_, address, size_);
}

std::optional<SocketAddress> SocketAddress::Parse(const std::string& host, uint16_t port) {
    std::string name = host;
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
        name = name.substr(1, name.size() - 2);
    }
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // never asks a server
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (name.empty() || getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) {
        return std::nullopt;
    }
    SocketAddress address(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    address.set_port(port);
    return address;
}

SocketAddress SocketAddress::LocalOf(int fd) noexcept {
    SocketAddress address;
    address.size_ = sizeof address.storage_;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
        address = {};
    }
    return address;
}

SocketAddress SocketAddress::RemoteOf(int fd) noexcept {
    SocketAddress address;
    address.size_ = sizeof address.storage_;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) {
        address = {};
    }
    return address;
}

uint16_t SocketAddress::port() const noexcept {
    switch (family()) {
        case AF_INET:
            return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
        case AF_INET6:
            return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
        default:
            return 0;
    }
}

void SocketAddress::set_port(uint16_t port) noexcept {
    if (family() == AF_INET) {
        reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
    } else if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
    }
}

std::string SocketAddress::ToString() const {
    std::array<char, NI_MAXHOST> host{};
    if (size_ == 0 || getnameinfo(get(), size_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
        return "unknown";
    }
    return family() == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port())
                                : fmt::format("{}:{}", host.data(), port());
}

}  // namespace haumea::io
