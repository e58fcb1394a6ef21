#include "http/request_reader.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace haumea::http {
namespace beast = boost::beast;

namespace {

std::string ToStd(beast::string_view text) { return {text.data(), text.size()}; }

Response Refusal(int status, const std::string& reason) {
    return {status, "text/plain; charset=utf-8", reason + "\n", {{"X-Content-Type-Options", "nosniff"}}};
}

}  // namespace

struct RequestReader::Parser {
    beast::http::request_parser<beast::http::string_body> beast;
    std::string pending;  // bytes that the parser has not taken yet: an unfinished line of the head
};

RequestReader::RequestReader(const RequestLimits& limits)
    : limits_(limits), parser_(std::make_unique<Parser>()) {
    parser_->beast.header_limit(static_cast<uint32_t>(limits.max_header_bytes));
    parser_->beast.body_limit(limits.max_body_bytes);
    // One step at a time: the head is checked before anything behind it is read.
    parser_->beast.eager(false);
}

RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::Refuse(int status, const std::string& reason) {
    refusal_ = Refusal(status, reason);
    state_ = State::kRefused;
    return state_;
}

RequestReader::State RequestReader::Feed(std::span<const char> bytes) {
    if (state_ != State::kMore) {
        return state_;
    }
    auto& parser = parser_->beast;
    std::string& pending = parser_->pending;
    pending.append(bytes.data(), bytes.size());
    size_t taken = 0;
    while (taken < pending.size() && !parser.is_done()) {
        // Beast 1.81 asserts (parse_chunk_header) that an empty last chunk does not come in smaller pieces;
        // every chunked body has at least these bytes to come.
        constexpr size_t kShortestEnd = std::string_view("0\r\n\r\n").size();
        if (parser.is_header_done() && parser.chunked() && pending.size() - taken < kShortestEnd) {
            break;
        }
        beast::error_code error;
        const size_t used =
            parser.put(boost::asio::const_buffer(pending.data() + taken, pending.size() - taken), error);
        taken += used;
        if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
            return Refuse(431,
                          fmt::format("the request head is larger than {} bytes", limits_.max_header_bytes));
        }
        if (error == beast::http::error::body_limit) {
            return Refuse(413,
                          fmt::format("the request body is larger than {} bytes", limits_.max_body_bytes));
        }
        const bool starved = error == beast::http::error::need_more || (!error && used == 0);
        if (error && !starved) {
            return Refuse(400, fmt::format("malformed HTTP request: {}", error.message()));
        }
        if (parser.is_header_done() && !head_checked_ && CheckHeaders() == State::kRefused) {
            return state_;
        }
        if (starved) {
            break;
        }
    }
    pending.erase(0, taken);
    if (!parser.is_header_done() && pending.size() > limits_.max_header_bytes) {
        return Refuse(431, fmt::format("the request head is larger than {} bytes", limits_.max_header_bytes));
    }
    if (parser.is_done()) {
        state_ = State::kComplete;
    }
    return state_;
}

RequestReader::State RequestReader::CheckHeaders() {
    head_checked_ = true;
    const auto& message = parser_->beast.get();
    size_t headers = 0;
    size_t hosts = 0;
    for (const auto& field : message) {
        // Kept now: Beast adds the trailers of a chunked body to the fields, where they have no business
        // (RFC 9110 6.5.1).
        headers_.emplace_back(ToStd(field.name_string()), ToStd(field.value()));
        ++headers;
        hosts += field.name() == beast::http::field::host ? 1 : 0;
        if (field.name() == beast::http::field::transfer_encoding &&
            (!EqualsIgnoringCase(ToStd(field.value()), "chunked") || message.version() < 11)) {
            return Refuse(
                400, fmt::format("Transfer-Encoding \"{}\" is not supported: send chunked, or Content-Length",
                                 ToStd(field.value())));
        }
    }
    if (headers > limits_.max_headers) {
        return Refuse(431, fmt::format("more than {} headers", limits_.max_headers));
    }
    if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
        return Refuse(400, "exactly one Host header is required");  // RFC 9112 3.2
    }
    const auto expect = message.find(beast::http::field::expect);
    expect_continue_ = expect != message.end() && EqualsIgnoringCase(ToStd(expect->value()), "100-continue");
    return state_;
}

bool RequestReader::TakeExpectContinue() {
    return state_ == State::kMore && head_checked_ && std::exchange(expect_continue_, false);
}

Request RequestReader::TakeRequest() {
    auto message = parser_->beast.release();
    Request request;
    request.method = ToStd(message.method_string());
    std::string target = ToStd(message.target());
    if (const size_t authority = target.find("://");
        authority != std::string::npos && !target.starts_with('/')) {
        const size_t path = target.find_first_of("/?", authority + 3);  // absolute-form, RFC 9112 3.2.2
        target = path == std::string::npos ? "/" : target.substr(path);
    }
    target.resize(std::min(target.size(), target.find('#')));
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) {
        request.query = target.substr(question + 1);
    }
    request.headers = std::move(headers_);
    request.body = std::move(message.body());
    return request;
}

}  // namespace haumea::http
