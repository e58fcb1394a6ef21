#include "http/client.h"

#include <fmt/core.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

namespace haumea::http {
namespace {

constexpr size_t kMaxAnswerBytes = 64U << 20U;

// A blocking socket with one deadline for everything.
class Socket {
  public:
    Socket(std::string where, int64_t timeout_ms)
        : where_(std::move(where)),
          end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { Close(); }

    Result<> Connect(const std::string& host, uint16_t port) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
            error != 0) {
            return Failf("cannot resolve {}: {}", host, gai_strerror(error));
        }
        const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
        int error = 0;
        for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
            error = Try(*address);
            if (error == 0) {
                return {};
            }
        }
        return Failf("cannot connect to {}: {}", where_, std::strerror(error));
    }

    Result<> Send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<size_t>(sent));
            } else if (errno != EAGAIN && errno != EINTR) {
                return {};  // the answer may be there already: it says why nobody reads on
            } else {
                HAUMEA_TRY_VOID(Wait(POLLOUT));
            }
        }
        return {};
    }

    // Until the peer closes.
    Result<std::string> ReceiveAll() {
        std::string all;
        std::array<char, 16384> buffer;
        while (all.size() < kMaxAnswerBytes) {
            const ssize_t received = recv(fd_, buffer.data(), buffer.size(), 0);
            if (received == 0) {
                return all;
            }
            if (received > 0) {
                all.append(buffer.data(), static_cast<size_t>(received));
            } else if (errno != EAGAIN && errno != EINTR) {
                return Failf("the connection to {} broke: {}", where_, std::strerror(errno));
            } else {
                HAUMEA_TRY_VOID(Wait(POLLIN));
            }
        }
        return Failf("the answer of {} is larger than {} bytes", where_, kMaxAnswerBytes);
    }

  private:
    void Close() {
        if (fd_ >= 0) {
            close(std::exchange(fd_, -1));
        }
    }

    // 0 or errno
    int Try(const addrinfo& address) {
        Close();
        fd_ = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd_ < 0) {
            return errno;
        }
        if (connect(fd_, address.ai_addr, address.ai_addrlen) == 0) {
            return 0;
        }
        if (errno != EINPROGRESS) {
            return errno;
        }
        if (!Wait(POLLOUT)) {
            return ETIMEDOUT;
        }
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
        return error;
    }

    Result<> Wait(short events) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now())
                .count();
        pollfd descriptor{fd_, events, 0};
        if (left <= 0 || poll(&descriptor, 1, static_cast<int>(left) + 1) == 0) {
            return Failf("{} does not answer in time", where_);
        }
        return {};
    }

    std::string where_;
    std::chrono::steady_clock::time_point end_;
    int fd_ = -1;
};

Result<Response> ParseAnswer(const std::string& text, const std::string& where, bool head_only) {
    const size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos || !text.starts_with("HTTP/1.")) {
        return Failf("{} does not answer in HTTP", where);
    }
    Response response;
    const size_t blank = text.find(' ');
    response.status = 0;
    std::from_chars(text.data() + blank + 1, text.data() + end, response.status);
    if (response.status == 100) {  // an interim answer, RFC 9110 15.2
        return ParseAnswer(text.substr(end + 4), where, head_only);
    }
    for (size_t at = text.find("\r\n") + 2; at < end + 2;) {
        const size_t line_end = text.find("\r\n", at);
        const std::string_view line(text.data() + at, line_end - at);
        at = line_end + 2;
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.size(), value.find_first_not_of(" \t")));
        if (EqualsIgnoringCase(line.substr(0, colon), "Content-Type")) {
            response.content_type = value;
        } else {
            response.headers.emplace_back(line.substr(0, colon), value);
        }
    }
    if (EqualsIgnoringCase(FindHeader(response.headers, "Transfer-Encoding"), "chunked")) {
        return Failf("{} answers in chunks, which is not supported here", where);
    }
    response.body = text.substr(end + 4);
    const std::string_view announced = FindHeader(response.headers, "Content-Length");
    size_t length = response.body.size();
    std::from_chars(announced.data(), announced.data() + announced.size(), length);
    if (response.body.size() < length && !head_only) {
        return Failf("the answer of {} is incomplete: {} of {} bytes", where, response.body.size(), length);
    }
    response.body.resize(std::min(length, response.body.size()));
    return response;
}

}  // namespace

Result<Response> Fetch(const std::string& method, const std::string& host, uint16_t port,
                       const std::string& target, const std::string& body, int64_t timeout_ms) {
    const std::string authority = host.find(':') == std::string::npos ? host : "[" + host + "]";
    const std::string where = fmt::format("{}:{}", authority, port);
    Socket socket(where, timeout_ms);
    HAUMEA_TRY_VOID(socket.Connect(host, port));
    std::string request =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", method, target, where);
    if (!body.empty()) {
        request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
    }
    request += "\r\n" + body;
    HAUMEA_TRY_VOID(socket.Send(request));
    HAUMEA_TRY(const std::string answer, socket.ReceiveAll());
    return ParseAnswer(answer, where, method == "HEAD");
}

}  // namespace haumea::http
