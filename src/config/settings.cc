#include "config/settings.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace haumea::config {
namespace fs = std::filesystem;

namespace {

std::string Lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

// The tree of a file; nothing when there is no such file.
Result<std::optional<Node>> ReadFile(const fs::path& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
        return std::optional<Node>();
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        return Failf("{}: cannot be read: make it readable for the user that runs haumea", path.string());
    }
    auto tree = ParseYaml(text.str());
    if (!tree) {
        return Fail(std::move(tree.error()).With(path.string()));
    }
    if (tree->is_null()) {
        *tree = Node::MakeObject();
    }
    if (!tree->is_object()) {
        return Failf("{}: holds a {}, not keys with values", path.string(), tree->kind_name());
    }
    return std::optional<Node>(std::move(*tree));
}

// Trees laid over each other, and where each value is from.
class Layers {
  public:
    void Lay(const Node& tree, const std::string& origin) { Lay(tree_, tree, "", origin); }
    void LayAt(const std::vector<std::string>& path, Node value, const std::string& origin) {
        for (size_t i = path.size(); i-- > 0;) {
            value = Node(Node::Object{{path[i], std::move(value)}});
        }
        Lay(value, origin);
    }
    const Node& tree() const { return tree_; }
    std::string OriginOf(const std::string& path) const {
        const auto it = origins_.find(Lower(path));
        return it == origins_.end() ? std::string("configuration") : it->second;
    }

  private:
    void Lay(Node& below, const Node& above, const std::string& path, const std::string& origin) {
        if (above.is_null()) {
            return;  // "key:" with nothing behind it says nothing
        }
        origins_[Lower(path)] = origin;
        if (!above.is_object()) {
            below = above;
            return;
        }
        if (!below.is_object()) {
            below = Node::MakeObject();
        }
        for (const auto& [key, value] : above.object()) {
            auto& members = below.object();
            auto it = std::find_if(members.begin(), members.end(), [&](const Node::Member& member) {
                return Lower(member.first) == Lower(key);
            });
            if (it == members.end()) {
                members.emplace_back(key, Node());
                it = members.end() - 1;
            }
            Lay(it->second, value, path.empty() ? key : path + "." + key, origin);
        }
    }

    Node tree_ = Node::MakeObject();
    std::map<std::string, std::string> origins_;  // lower-case path -> file or variable
};

std::optional<std::vector<std::string>> PathOf(const std::string& variable, std::string_view prefix) {
    const std::string start = Lower(prefix) + "__";
    const std::string name = Lower(variable);
    if (!name.starts_with(start) || name.size() == start.size()) {
        return std::nullopt;
    }
    std::vector<std::string> path;
    for (size_t at = start.size(); at <= name.size();) {
        const size_t end = std::min(name.find("__", at), name.size());
        path.push_back(name.substr(at, end - at));
        at = end + 2;
    }
    return path;
}

// A value for a key that no table describes: numbers, booleans and [a,b] as in YAML, else text.
Node Guess(std::string_view text) {
    const auto parsed = ParseYaml(text);
    const bool simple = parsed && !parsed->is_null() && !parsed->is_object();
    return simple ? *parsed : Node(text);
}

void LayMainEnvironment(Layers& layers, const Environment& environment, std::string_view prefix,
                        std::string_view below) {
    for (const auto& [name, text] : environment) {
        auto path = PathOf(name, prefix);
        if (!path || (!below.empty() && path->front() != below)) {
            continue;
        }
        const Field* field = SettingsSchema().Find(*path);
        layers.LayAt(*path, field != nullptr ? field->FromText(text) : Guess(text), name);
    }
}

// Files of one folder by type, with the variables <TYPE>__<BLOCK>__<KEY> laid over.
Result<std::map<std::string, Node, std::less<>>> ReadFolder(const fs::path& folder,
                                                            const Environment& environment) {
    std::map<std::string, Node, std::less<>> types;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string extension = Lower(entry.path().extension().string());
        if (extension != ".yaml" && extension != ".yml") {
            continue;
        }
        HAUMEA_TRY(auto tree, ReadFile(entry.path()));
        if (tree) {
            types[Lower(entry.path().stem().string())] = std::move(*tree);
        }
    }
    for (const char* known : {"websocket", "mqtt", "simulator", "memory", "file", "httppull", "httppush"}) {
        types.try_emplace(known, Node::MakeObject());
    }
    for (auto& [type, blocks] : types) {
        Layers layers;
        layers.Lay(blocks, type);
        for (const auto& [name, text] : environment) {
            const auto path = PathOf(name, type);
            if (path && path->size() > 1) {
                layers.LayAt(*path, Guess(text), name);
            }
        }
        blocks = layers.tree();
    }
    return types;
}

Result<> ReadMainFile(const fs::path& etc, Configuration& out, Node& tree) {
    for (const char* name : {"haumea.yaml", "kuiper.yaml"}) {
        const fs::path path = etc / name;
        HAUMEA_TRY(auto found, ReadFile(path));
        if (!found) {
            continue;
        }
        if (out.main_file.empty()) {
            out.main_file = path.string();
            tree = std::move(*found);
        } else {
            out.report.warnings.push_back(fmt::format(
                "{} is not read, because there is {}: remove one of them", path.string(), out.main_file));
        }
    }
    return {};
}

// Takes the block `source` out of a file of sources: it is the data server's, never a conf key.
Node TakeServerBlock(std::map<std::string, Node, std::less<>>& types, std::string_view type) {
    Node taken;
    const auto it = types.find(type);
    if (it != types.end()) {
        if (const Node* block = it->second.FindNoCase("source")) {
            taken = *block;
        }
        std::erase_if(it->second.object(),
                      [](const Node::Member& member) { return Lower(member.first) == "source"; });
    }
    return taken;
}

}  // namespace

Environment CurrentEnvironment() {
    Environment all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (const size_t equals = text.find('='); equals != std::string_view::npos) {
            all.emplace_back(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return all;
}

void ConfKeys::Add(std::string_view type, Node blocks) { types_[Lower(type)] = std::move(blocks); }

Node ConfKeys::Properties(std::string_view type, std::string_view key, bool* found) const {
    Node properties = Node::MakeObject();
    const auto it = types_.find(Lower(type));
    const auto overlay = [&](const Node* block) {
        if (block == nullptr || !block->is_object()) {
            return false;
        }
        for (const auto& [name, value] : block->object()) {
            std::erase_if(properties.object(),
                          [&](const Node::Member& m) { return Lower(m.first) == Lower(name); });
            properties.Set(name, value);
        }
        return true;
    };
    bool exists = false;
    if (it != types_.end()) {
        const bool has_default = overlay(it->second.FindNoCase("default"));
        exists = Lower(key) == "default" ? has_default : overlay(it->second.FindNoCase(key));
    }
    if (found != nullptr) {
        *found = exists;
    }
    return properties;
}

Result<Configuration> LoadConfiguration(const std::string& etc_dir, const Environment& environment) {
    const fs::path etc(etc_dir);
    Configuration out;
    Node main = Node::MakeObject();
    HAUMEA_TRY_VOID(ReadMainFile(etc, out, main));
    // The variables that name the data server are typed by its table below, not guessed here.
    HAUMEA_TRY(auto sources, ReadFolder(etc / "sources", environment));
    HAUMEA_TRY(auto mqtt, ReadFile(etc / "mqtt_source.yaml"));
    if (mqtt) {
        sources["mqtt"] = std::move(*mqtt);
    }
    const Node push_server = TakeServerBlock(sources, "httppush");
    Layers layers;
    if (!push_server.is_null()) {
        layers.LayAt({"source"}, push_server, (etc / "sources/httppush.yaml").string());
    }
    layers.Lay(main, out.main_file);
    if (const Node server = TakeServerBlock(sources, "websocket"); !server.is_null()) {
        layers.LayAt({"source"}, server, (etc / "sources/websocket.yaml").string());
    }
    LayMainEnvironment(layers, environment, "WEBSOCKET", "source");
    LayMainEnvironment(layers, environment, "KUIPER", "");
    LayMainEnvironment(layers, environment, "HAUMEA", "");
    HAUMEA_TRY_VOID(SettingsSchema().Read(
        layers.tree(), "", [&](const std::string& path) { return layers.OriginOf(path); }, &out.settings,
        out.report));

    for (auto& [type, blocks] : sources) {
        out.sources.Add(type, std::move(blocks));
    }
    HAUMEA_TRY(auto sinks, ReadFolder(etc / "sinks", {}));
    for (auto& [type, blocks] : sinks) {
        out.sinks.Add(type, std::move(blocks));
    }
    HAUMEA_TRY(auto connections, ReadFile(etc / "connections/connection.yaml"));
    if (connections) {
        out.connections = std::move(*connections);
    }
    const auto check_pair = [](const auto& files, std::string_view path) -> Result<> {
        if (files.cert_file.empty() != files.key_file.empty()) {
            return Failf("{}: certfile and keyfile belong together: set both or none", path);
        }
        return {};
    };
    HAUMEA_TRY_VOID(check_pair(out.settings.basic.rest_tls, "basic.restTls"));
    const DataTls& data_tls = out.settings.source.http_server_tls;
    HAUMEA_TRY_VOID(check_pair(data_tls, "source.httpServerTls"));
    if (data_tls.client_auth != "none" && (data_tls.cert_file.empty() || data_tls.client_ca.empty())) {
        return Failf("source.httpServerTls: clientAuth {} needs certfile, keyfile and clientCa",
                     data_tls.client_auth);
    }
    return out;
}

}  // namespace haumea::config
