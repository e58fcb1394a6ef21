#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz_input.h"
#include "http/request_reader.h"
#include "http/session.h"

// The first byte chooses: any bytes as a request to the REST server, as the head of an answer, or as what a
// user can bring into a header of ours. The outcome must not depend on how the bytes are cut, nothing exceeds
// its limit, and no answer holds a line that somebody else wrote.

namespace {

using haumea::http::RequestReader;

constexpr haumea::http::RequestLimits kLimits{
    .max_header_bytes = 512, .max_headers = 8, .max_body_bytes = 256};

// The request; empty when there is none.
std::string Describe(RequestReader& reader, RequestReader::State state) {
    std::string text;
    if (state == RequestReader::State::kComplete) {
        const haumea::http::Request request = reader.TakeRequest();
        if (request.body.size() > kLimits.max_body_bytes || request.headers.size() > kLimits.max_headers) {
            std::abort();
        }
        text = request.method + " " + request.path + "?" + request.query + "\n" + request.body;
        for (const auto& [name, value] : request.headers) {
            if (name.empty() || value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
                std::abort();
            }
            text += "\n" + name + ":" + value;
        }
    }
    return text;
}

std::string ReadRequest(std::string_view bytes, size_t piece) {
    RequestReader reader(kLimits);
    auto state = RequestReader::State::kMore;
    int continues = 0;
    for (size_t at = 0; at < bytes.size(); at += piece) {
        const std::string part(bytes.substr(at, piece));
        state = reader.Feed({part.data(), part.size()});
        continues += reader.TakeExpectContinue() ? 1 : 0;
    }
    if (continues > 1) {
        std::abort();
    }
    return Describe(reader, state);
}

// Where a refusal is certain depends on the cut (Beast reads whole lines); what is taken does not.
void FuzzRequest(std::string_view bytes) {
    const std::string whole = ReadRequest(bytes, std::max<size_t>(bytes.size(), 1));
    if (ReadRequest(bytes, 1) != whole || ReadRequest(bytes, 7) != whole) {
        std::abort();
    }
}

void FuzzOurs(std::string_view bytes) {
    const size_t cut = bytes.size() / 2;
    const haumea::http::Response response{400,
                                          "text/plain",
                                          std::string(bytes.substr(cut)),
                                          {{"X-Haumea-Warning", std::string(bytes.substr(0, cut))}}};
    const std::string text = haumea::http::SerializeResponse(response, true);
    // Status line, Content-Type, X-Haumea-Warning, Content-Length, Connection.
    const size_t end = haumea::fuzz::CheckHead(text);
    if (text.substr(end + 4) != response.body ||
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n') != 4) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return haumea::fuzz::Choose(data, size, std::array{&FuzzRequest, &FuzzOurs});
}
