package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var fileRoutes = map[string]route{
	"PostFiles":         {createFile, merchant.Files, merchant.Write},
	"GetFiles":          {listFiles, merchant.Files, merchant.Read},
	"GetFilesFile":      {retrieveFile, merchant.Files, merchant.Read},
	"PostFileLinks":     {createFileLink, merchant.Files, merchant.Write},
	"GetFileLinks":      {listFileLinks, merchant.Files, merchant.Read},
	"GetFileLinksLink":  {retrieveFileLink, merchant.Files, merchant.Read},
	"PostFileLinksLink": {updateFileLink, merchant.Files, merchant.Write},
}

type shownFile struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	Created   int64  `json:"created"`
	ExpiresAt any    `json:"expires_at"`
	Filename  any    `json:"filename"`
	Links     *list  `json:"links"`
	Purpose   string `json:"purpose"`
	Size      int64  `json:"size"`
	Title     any    `json:"title"`
	Type      any    `json:"type"`
	URL       any    `json:"url"`
}

type shownFileLink struct {
	ID        string            `json:"id"`
	Object    string            `json:"object"`
	Created   int64             `json:"created"`
	Expired   bool              `json:"expired"`
	ExpiresAt any               `json:"expires_at"`
	File      any               `json:"file"`
	Livemode  bool              `json:"livemode"`
	Metadata  map[string]string `json:"metadata"`
	URL       any               `json:"url"`
}

func renderFile(v *view, o *object.Object[file.File]) (any, error) {
	b := &o.Body
	out := &shownFile{
		ID: file.Files.ID(o.Scope, o.Key), Object: file.Files.Name, Created: o.Created().Unix(), ExpiresAt: moment(b.Expires), Filename: text(b.Name),
		Purpose: b.Purpose, Size: b.Size, Type: text(b.Type),
	}
	if !b.Gone {
		out.URL = b.Origin + "/v1/files/" + out.ID + "/contents"
	}
	out.Links = &list{Object: "list", URL: "/v1/file_links?file=" + out.ID, Data: []any{}}
	if v.tx != nil {
		return out, nil // a list is not pinned
	}
	page, more, err := file.Links.List(v.ctx, v.s.DB, o.Scope, object.Range{Limit: defaultLimit, Where: map[string]any{"file": o.Key}})
	if err != nil {
		return nil, err
	}
	child := v.within("links").within("data")
	for _, link := range page {
		shown, err := renderFileLink(child, link)
		if err != nil {
			return nil, err
		}
		out.Links.Data = append(out.Links.Data, shown)
	}
	out.Links.HasMore = more
	return out, nil
}

func renderFileLink(v *view, o *object.Object[file.Link]) (any, error) {
	b := &o.Body
	out := &shownFileLink{
		ID: file.Links.ID(o.Scope, o.Key), Object: file.Links.Name, Created: o.Created().Unix(), Expired: b.Expired(v.now), ExpiresAt: moment(b.Expires),
		Livemode: o.Scope.Livemode, Metadata: metadata(b.Metadata),
	}
	if !out.Expired {
		out.URL = b.Origin + linksPath + v.s.File.Token(o.Scope, o.Key)
	}
	var err error
	out.File, err = ref(v, "file", file.Files, b.File, renderFile)
	return out, err
}

// upload is the file part of a request.
type upload struct {
	name    string
	content []byte
}

// fileParam is the parameter that holds a file.
const fileParam = "file"

// maxUpload bounds a request that uploads a file.
const maxUpload = file.MaxSize + maxBody

// readParts gives the form of a multipart request, with the content's hash in
// place of the content, and the content.
func readParts(w http.ResponseWriter, r *http.Request, boundary string) (string, *upload, error) {
	unreadable := fault.New(fault.Invalid, "", "The request's body could not be read as multipart/form-data.")
	reader := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxUpload), boundary)
	var fields []string
	var got *upload
	for size := 0; ; {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return strings.Join(fields, "&"), got, nil
		}
		if err != nil {
			return "", nil, tooLargeOr(err, unreadable)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return "", nil, tooLargeOr(err, unreadable)
		}
		value := string(content)
		if part.FormName() == fileParam && part.FileName() != "" {
			sum := sha256.Sum256(content)
			got, value = &upload{part.FileName(), content}, hex.EncodeToString(sum[:])
		} else if size += len(content); size > maxBody {
			return "", nil, fault.New(fault.Invalid, "", "The request's parameters are larger than %d bytes.", maxBody)
		}
		fields = append(fields, url.QueryEscape(part.FormName())+"="+url.QueryEscape(value))
	}
}

func tooLargeOr(err, other error) error {
	if _, too := errors.AsType[*http.MaxBytesError](err); too {
		return fault.New(fault.Invalid, "", "The request is larger than %d bytes.", maxUpload)
	}
	return other
}

// boundaryOf tells the boundary of a multipart request.
func boundaryOf(r *http.Request) (string, bool) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return params["boundary"], err == nil && media == "multipart/form-data"
}

func createFile(s *Server, c *call) (any, error) {
	if c.upload == nil {
		return nil, fault.Param(fileParam, "", "Invalid file: send its content as multipart/form-data.")
	}
	purpose, _ := c.form.String("purpose")
	u := &file.Upload{Purpose: purpose, Name: cleanName(c.upload.name), Content: c.upload.content, Origin: s.origin(c.http)}
	if make, _ := c.form.Bool("file_link_data", "create"); make {
		patch, _ := c.form.Metadata("file_link_data", "metadata")
		u.Link = &file.Link{Metadata: patch.Set}
		if n, ok := c.form.Int64("file_link_data", "expires_at"); ok {
			u.Link.Expires = time.Unix(min(n, lastSecond), 0).UTC()
		}
	}
	return s.File.Create(c.ctx, c.scope, u, c.idem)
}

// cleanName makes a name that can be shown of one that was sent.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name[strings.LastIndexAny(name, `/\`)+1:], ""))
	return clip(name)
}

func listFiles(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if purpose, _ := c.form.String("purpose"); purpose != "" {
		where["purpose"] = purpose
	}
	return listOf(s, c, file.Files, where, renderFile)
}

func retrieveFile(s *Server, c *call) (any, error) {
	return retrieve(s, c, file.Files, "file", renderFile)
}

func createFileLink(s *Server, c *call) (any, error) {
	key, err := keyOf(c, file.Files, "file")
	if err != nil {
		return nil, err
	}
	l := file.Link{File: key, Metadata: newMetadata(c), Origin: s.origin(c.http)}
	if n, ok := c.form.Int64("expires_at"); ok {
		l.Expires = time.Unix(min(n, lastSecond), 0).UTC()
	}
	return s.File.CreateLink(c.ctx, c.scope, l, c.idem)
}

func listFileLinks(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, file.Files, "file", "file"); err != nil {
		return nil, err
	}
	expired, narrowed := c.form.Bool("expired")
	now := s.DB.Clock().Now()
	return listThose(s, c, file.Links, where, func(o *object.Object[file.Link]) bool { return !narrowed || o.Body.Expired(now) == expired }, renderFileLink)
}

func retrieveFileLink(s *Server, c *call) (any, error) {
	return retrieve(s, c, file.Links, "link", renderFileLink)
}

func updateFileLink(s *Server, c *call) (any, error) {
	key, err := pathKey(c, file.Links, "link")
	if err != nil {
		return nil, err
	}
	patch, _ := c.form.Metadata("metadata")
	change := file.LinkChange{Metadata: applied(patch)}
	if at, ok := c.form.String("expires_at"); ok {
		change.Set, change.Now = true, at == "now"
		if n, ok := form.ParseInteger(at); ok {
			change.Expires = time.Unix(min(n, lastSecond), 0).UTC()
		}
	}
	return s.File.UpdateLink(c.ctx, c.scope, key, change, c.idem)
}

// contentsOf names the file whose content a path is of.
func contentsOf(r *http.Request) (string, bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/files/")
	name, whole := strings.CutSuffix(rest, "/contents")
	return name, ok && whole && name != "" && !strings.Contains(name, "/") && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// serveContents answers with a file's content to whoever has a secret key.
func (s *Server) serveContents(w http.ResponseWriter, r *http.Request, c *call, name string) error {
	if !c.key.Secret {
		return fault.New(fault.Unauthenticated, "secret_key_required", "This API call cannot be made with a publishable API key. Please use a secret API key.")
	}
	if err := c.key.Allow(merchant.Files, merchant.Read); err != nil {
		return err
	}
	r.Pattern = "/v1/files/{file}/contents"
	key, shard, ok := file.Files.Prefix.ParseShard(name)
	if !ok || shard != c.scope.Shard() {
		return fault.Missing(fault.NotFound, "file", "file", clip(name))
	}
	return s.sendFile(w, r, c.scope, key)
}

// linksPath begins the addresses of links to files.
const linksPath = "/links/"

// ServeLink answers with the content that a link leads to, to anybody who has the
// link.
func (s *Server) ServeLink(w http.ResponseWriter, r *http.Request) {
	c := &call{ctx: r.Context(), http: r, id: requestPrefix.Format(id.Scope{}, s.DB.IDs().Next())}
	scope, key, err := s.File.Follow(r.Context(), strings.TrimPrefix(r.URL.Path, linksPath))
	if err == nil {
		err = s.sendFile(w, r, scope, key)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		s.writeError(w, c, nil, err)
	}
}

// sendFile sends a content so that a browser shows or saves it, and runs nothing
// that may be in it.
func (s *Server) sendFile(w http.ResponseWriter, r *http.Request, scope id.Scope, key int64) error {
	begun := false
	err := s.File.Content(r.Context(), scope, key, func(o *object.Object[file.File]) error {
		h := w.Header()
		h.Set("Content-Type", o.Body.MediaType())
		h.Set("Content-Length", strconv.FormatInt(o.Body.Size, 10))
		h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": o.Body.Name}))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "private, no-store")
		begun = true
		w.WriteHeader(http.StatusOK)
		return nil
	}, func(part []byte) error {
		if r.Method == http.MethodHead {
			return nil
		}
		_, err := io.Copy(w, bytes.NewReader(part))
		return err
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // a content cut short must not look whole
	}
	return err
}
