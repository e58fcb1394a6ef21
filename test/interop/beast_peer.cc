// A peer for test/e2e/peers_test.py on Boost.Beast, plain or TLS, both roles, one connection after the other.
//   beast_peer client HOST PORT PATH COUNT JSON-LESS-OPTIONS    prints COUNT messages, after sending
//   send=TEXT beast_peer server OPTIONS                                   prints "port N", then what it gets
// OPTIONS are words: deflate, ca=FILE, cert=FILE, key=FILE, send=TEXT. Output: "open <extensions>", "text
// <payload>", "binary <hex>", "closed <code>", "error <text>".

// One translation unit of its own: nothing here is shared with the program under test.
#undef BOOST_ASIO_SEPARATE_COMPILATION
#undef BOOST_BEAST_SEPARATE_COMPILATION

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using Options = std::map<std::string, std::string>;

std::string Get(const Options& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? "" : found->second;
}

void Say(const std::string& line) { std::cout << line << std::endl; }

std::string Hex(const std::string& bytes) {
    std::string out;
    char two[3];
    for (const char c : bytes) {
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += two;
    }
    return out;
}

asio::ssl::context TlsContext(const Options& options, bool server) {
    asio::ssl::context context(server ? asio::ssl::context::tls_server : asio::ssl::context::tls_client);
    if (!Get(options, "cert").empty()) {
        context.use_certificate_chain_file(Get(options, "cert"));
        context.use_private_key_file(Get(options, "key"), asio::ssl::context::pem);
    }
    if (!Get(options, "ca").empty()) {
        context.load_verify_file(Get(options, "ca"));
        context.set_verify_mode(asio::ssl::verify_peer |
                                (server ? asio::ssl::verify_fail_if_no_peer_cert : 0));
    }
    return context;
}

template <typename Socket>
void Prepare(Socket& socket, const Options& options, std::string& extensions) {
    websocket::permessage_deflate deflate;
    deflate.client_enable = deflate.server_enable = options.count("deflate") != 0;
    deflate.msg_size_threshold = 0;
    socket.set_option(deflate);
    socket.set_option(websocket::stream_base::decorator([&extensions](websocket::response_type& response) {
        extensions = std::string(response["Sec-WebSocket-Extensions"]);
    }));
}

// Reads until the other side or the count ends it.
template <typename Socket>
void Talk(Socket& socket, const Options& options, long count) {
    if (const std::string text = Get(options, "send"); !text.empty()) {
        socket.text(true);
        socket.write(asio::buffer(text));
    }
    beast::error_code error;
    for (; count != 0; --count) {
        beast::flat_buffer buffer;
        socket.read(buffer, error);
        if (error == websocket::error::closed) {
            Say("closed " + std::to_string(socket.reason().code));
            return;
        }
        if (error) {
            Say("error " + error.message());
            return;
        }
        const std::string payload = beast::buffers_to_string(buffer.data());
        Say(socket.got_text() ? "text " + payload : "binary " + Hex(payload));
    }
    socket.close(websocket::close_code::normal, error);
    Say(error ? "error " + error.message() : "closed 1000");
}

template <typename Socket>
void RunClient(Socket& socket, const Options& options, const std::string& host, const std::string& path,
               long count) {
    std::string ignored;
    Prepare(socket, options, ignored);
    websocket::response_type response;
    socket.handshake(response, host, path);
    const std::string extensions(response["Sec-WebSocket-Extensions"]);
    Say("open " + (extensions.empty() ? "-" : extensions));
    Talk(socket, options, count);
}

template <typename Socket>
void RunServer(Socket& socket, const Options& options) {
    std::string extensions;
    Prepare(socket, options, extensions);
    socket.accept();
    Say("open " + (extensions.empty() ? "-" : extensions));
    Talk(socket, options, -1);
}

void Serve(asio::io_context& io, const Options& options) {
    Tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    Say("port " + std::to_string(acceptor.local_endpoint().port()));
    while (true) {
        Tcp::socket peer = acceptor.accept();
        try {
            if (Get(options, "cert").empty()) {
                websocket::stream<Tcp::socket> socket(std::move(peer));
                RunServer(socket, options);
                continue;
            }
            asio::ssl::context context = TlsContext(options, true);
            websocket::stream<beast::ssl_stream<Tcp::socket>> socket(std::move(peer), context);
            socket.next_layer().handshake(asio::ssl::stream_base::server);
            RunServer(socket, options);
        } catch (const std::exception& error) {
            Say(std::string("error ") + error.what());
        }
    }
}

int Run(const std::vector<std::string>& words) {
    const bool client = words.at(0) == "client";
    Options options;
    for (size_t i = client ? 5 : 1; i < words.size(); ++i) {
        const size_t equals = words[i].find('=');
        options[words[i].substr(0, equals)] =
            equals == std::string::npos ? "yes" : words[i].substr(equals + 1);
    }
    asio::io_context io;
    if (!client) {
        Serve(io, options);
        return 0;
    }
    const std::string host = words.at(1);
    Tcp::socket tcp(io);
    asio::connect(tcp, Tcp::resolver(io).resolve(host, words.at(2)));
    const long count = std::stol(words.at(4));
    if (Get(options, "ca").empty()) {
        websocket::stream<Tcp::socket> socket(std::move(tcp));
        RunClient(socket, options, host, words.at(3), count);
        return 0;
    }
    asio::ssl::context context = TlsContext(options, false);
    websocket::stream<beast::ssl_stream<Tcp::socket>> socket(std::move(tcp), context);
    socket.next_layer().set_verify_callback(asio::ssl::host_name_verification(host));
    socket.next_layer().handshake(asio::ssl::stream_base::client);
    RunClient(socket, options, host, words.at(3), count);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return Run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        Say(std::string("error ") + error.what());
        return 1;
    }
}
