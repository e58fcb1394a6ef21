#include "fanout_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace haumea::bench {
namespace {

constexpr int kClientsPerAddress = 1000;

[[noreturn]] void Die(const char* what, const std::string& detail) {
    std::fprintf(stderr, "fanout_load: %s: %s\n", what, detail.c_str());
    std::exit(1);
}

}  // namespace

Peer::Peer(const PeerOptions& options, SSL_CTX* tls, int index) {
    Connect(options.port, index);
    if (tls != nullptr) {
        tls_ = SSL_new(tls);
        SSL_set_fd(tls_, fd_);
        if (SSL_connect(tls_) != 1) {
            Die("TLS handshake", "refused");
        }
    }
    Shake(options);
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Peer::~Peer() {
    SSL_free(tls_);
    close(fd_);
}

void Peer::Connect(uint16_t port, int index) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7F000001U + static_cast<uint32_t>(index / kClientsPerAddress));
    const int on = 1;
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof from);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        Die("connect", std::to_string(errno));
    }
}

void Peer::Shake(const PeerOptions& options) {
    std::string request = "GET " + options.path +
                          " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    if (options.deflate) {
        request += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    }
    WriteAll(request + "\r\n");
    std::string answer;
    char c = 0;
    while (!answer.ends_with("\r\n\r\n")) {
        if ((tls_ != nullptr ? SSL_read(tls_, &c, 1) : read(fd_, &c, 1)) != 1) {
            Die("the server hung up", answer);
        }
        answer += c;
    }
    const bool agreed = answer.find("server_no_context_takeover") != std::string::npos;
    if (!answer.starts_with("HTTP/1.1 101") || agreed != options.deflate) {
        Die("refused", answer);
    }
}

void Peer::WriteAll(std::string_view bytes) {
    const auto size = static_cast<int>(bytes.size());
    if ((tls_ != nullptr ? SSL_write(tls_, bytes.data(), size) : write(fd_, bytes.data(), bytes.size())) !=
        size) {
        Die("write", std::to_string(errno));
    }
}

ssize_t Peer::Read(char* buffer, size_t size) {
    if (tls_ == nullptr) {
        const ssize_t bytes = recv(fd_, buffer, size, 0);
        return bytes > 0 ? bytes : bytes < 0 && errno == EAGAIN ? 0 : -1;
    }
    size_t total = 0;
    while (total < size) {
        size_t bytes = 0;
        if (SSL_read_ex(tls_, buffer + total, size - total, &bytes) != 1) {
            const bool later = SSL_get_error(tls_, 0) == SSL_ERROR_WANT_READ;
            return total > 0 || later ? static_cast<ssize_t>(total) : -1;
        }
        total += bytes;
    }
    return static_cast<ssize_t>(total);
}

size_t MessageReader::FrameSize(std::string_view bytes) {
    if (bytes.size() < 4) {
        return 0;
    }
    const auto at = [bytes](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
    return at(1) < 126 ? 2 + at(1) : 4 + (at(2) << 8U) + at(3);
}

std::string_view MessageReader::Unpack(std::string_view frame) {
    constexpr char kText = '\x81';
    constexpr char kDeflatedText = '\xC1';
    const std::string_view payload = frame.substr(static_cast<unsigned char>(frame[1]) < 126 ? 2 : 4);
    if (frame[0] == kText) {
        return payload.size() == kMessageBytes ? payload : std::string_view();
    }
    if (frame[0] != kDeflatedText) {
        return {};
    }
    // Without context takeover one inflater does for all peers.
    static z_stream inflater = [] {
        z_stream stream{};
        inflateInit2(&stream, -MAX_WBITS);
        return stream;
    }();
    static std::array<char, kMessageBytes + 1> message;
    std::array<char, kMaxFrame + 4> input{};
    payload.copy(input.data(), payload.size());
    std::string_view("\0\0\xFF\xFF", 4).copy(input.data() + payload.size(), 4);
    inflateReset(&inflater);
    inflater.next_in = reinterpret_cast<Bytef*>(input.data());
    inflater.avail_in = static_cast<uInt>(payload.size() + 4);
    inflater.next_out = reinterpret_cast<Bytef*>(message.data());
    inflater.avail_out = static_cast<uInt>(message.size());
    const int result = inflate(&inflater, Z_SYNC_FLUSH);
    const bool whole = (result == Z_OK || result == Z_BUF_ERROR) && inflater.avail_out == 1;
    return whole ? std::string_view(message.data(), kMessageBytes) : std::string_view();
}

}  // namespace haumea::bench
