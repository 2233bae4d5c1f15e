#include "config/yaml_check.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <map>
#include <sstream>
#include <vector>

namespace dsfailover {
namespace {

constexpr std::size_t kMostNodes = 1'000'000;

/// Counts the nodes of each document, those behind aliases as often as they are named.
class Watch : public YAML::EventHandler {
  public:
    void OnDocumentStart(const YAML::Mark& mark) override {
        if (mark.pos <= last_start_) fail(mark, "no document begins here");
        last_start_ = mark.pos;
        sizes_.clear();
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor); }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string&) override {
        leaf(mark, anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = sizes_.find(anchor);
        if (known == sizes_.end()) fail(mark, "an alias stands inside of what it stands for");
        count(mark, known->second);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Open {
        YAML::anchor_t anchor;
        std::size_t before;  // of nodes
    };

    [[noreturn]] static void fail(const YAML::Mark& mark, const char* what) {
        throw YAML::ParserException(mark, what);
    }
    void count(const YAML::Mark& mark, std::size_t nodes) {
        nodes_ += nodes;
        if (nodes_ > kMostNodes) fail(mark, "more than a million values");
    }
    void leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
        count(mark, 1);
        if (anchor != YAML::NullAnchor) sizes_[anchor] = 1;
    }
    void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
        open_.push_back({anchor, nodes_});
        count(mark, 1);
    }
    void close() {
        const Open closed = open_.back();
        open_.pop_back();
        if (closed.anchor != YAML::NullAnchor) sizes_[closed.anchor] = nodes_ - closed.before;
    }

    int last_start_ = -1;
    std::size_t nodes_ = 0;
    std::map<YAML::anchor_t, std::size_t> sizes_;  // of what is complete
    std::vector<Open> open_;
};

}  // namespace

void check_yaml(const std::string& text) {
    std::istringstream in(text);
    YAML::Parser parser(in);
    Watch watch;
    while (parser.HandleNextDocument(watch)) {
    }
}

}  // namespace dsfailover
