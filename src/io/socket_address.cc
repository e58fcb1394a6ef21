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

namespace {

bool IsPrivateV4(uint32_t address) noexcept {
    struct Block {
        uint32_t first;
        int bits;
    };
    constexpr std::array<Block, 7> kBlocks{{{0x00000000, 8},     // 0.0.0.0/8, this host
                                            {0x0A000000, 8},     // 10.0.0.0/8
                                            {0x64400000, 10},    // 100.64.0.0/10
                                            {0x7F000000, 8},     // 127.0.0.0/8
                                            {0xA9FE0000, 16},    // 169.254.0.0/16
                                            {0xAC100000, 12},    // 172.16.0.0/12
                                            {0xC0A80000, 16}}};  // 192.168.0.0/16
    return std::any_of(kBlocks.begin(), kBlocks.end(), [address](const Block& block) {
        return (address ^ block.first) >> (32 - block.bits) == 0;
    });
}

}  // namespace

bool SocketAddress::is_private() const noexcept {
    if (family() == AF_INET) {
        return IsPrivateV4(ntohl(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr.s_addr));
    }
    if (family() != AF_INET6) {
        return true;
    }
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    const uint8_t* bytes = address.s6_addr;
    const auto embedded = [bytes](size_t at) {
        return IsPrivateV4(uint32_t{bytes[at]} << 24U | uint32_t{bytes[at + 1]} << 16U |
                           uint32_t{bytes[at + 2]} << 8U | uint32_t{bytes[at + 3]});
    };
    constexpr std::array<uint8_t, 12> kTranslated = {0x00, 0x64, 0xFF, 0x9B};  // 64:ff9b::/96, RFC 6052
    return IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LOOPBACK(&address) ||
           IN6_IS_ADDR_LINKLOCAL(&address) || (bytes[0] & 0xFEU) == 0xFC ||
           (IN6_IS_ADDR_V4MAPPED(&address) && embedded(12)) ||
           (std::equal(kTranslated.begin(), kTranslated.end(), bytes) && embedded(12)) ||
           (bytes[0] == 0x20 && bytes[1] == 0x02 && embedded(2));  // 6to4
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
