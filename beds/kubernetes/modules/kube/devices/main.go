// A device plugin without devices: it advertises COUNT units of RESOURCE to the kubelet.
//
//	devices RESOURCE COUNT
//
// The kubelet counts, allots and frees them as it does real cards, and the container reads which
// ones it got in NVIDIA_VISIBLE_DEVICES. When the kubelet restarts, its socket is made anew and
// this program ends; the supervisor starts it again and it registers with the new kubelet.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	plugin "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

type devices struct {
	plugin.UnimplementedDevicePluginServer
	list []*plugin.Device
}

func (d *devices) GetDevicePluginOptions(context.Context, *plugin.Empty) (*plugin.DevicePluginOptions, error) {
	return &plugin.DevicePluginOptions{}, nil
}

func (d *devices) ListAndWatch(_ *plugin.Empty, stream grpc.ServerStreamingServer[plugin.ListAndWatchResponse]) error {
	if err := stream.Send(&plugin.ListAndWatchResponse{Devices: d.list}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (d *devices) Allocate(_ context.Context, asked *plugin.AllocateRequest) (*plugin.AllocateResponse, error) {
	answer := &plugin.AllocateResponse{}
	for _, container := range asked.ContainerRequests {
		names := strings.Join(container.DevicesIds, ",")
		answer.ContainerResponses = append(answer.ContainerResponses,
			&plugin.ContainerAllocateResponse{Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": names}})
	}
	return answer, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: devices RESOURCE COUNT")
	}
	resource := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatalf("COUNT is %q; it must be a whole number", os.Args[2])
	}
	served := &devices{}
	for i := range count {
		id := fmt.Sprintf("%s-%d", filepath.Base(resource), i)
		served.list = append(served.list, &plugin.Device{ID: id, Health: plugin.Healthy})
	}
	registered := awaitKubelet()
	endpoint := filepath.Base(resource) + ".sock"
	socket := filepath.Join(plugin.DevicePluginPath, endpoint)
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	plugin.RegisterDevicePluginServer(server, served)
	go func() { log.Fatal(server.Serve(listener)) }()
	register(endpoint, resource)
	for sameFile(registered) {
		time.Sleep(500 * time.Millisecond)
	}
	log.Print("the kubelet was started again; ending, to be started again too")
}

func awaitKubelet() os.FileInfo {
	for {
		if found, err := os.Stat(plugin.KubeletSocket); err == nil {
			return found
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func sameFile(before os.FileInfo) bool {
	now, err := os.Stat(plugin.KubeletSocket)
	return err == nil && os.SameFile(before, now) && now.ModTime().Equal(before.ModTime())
}

func register(endpoint, resource string) {
	connection, err := grpc.NewClient("unix://"+plugin.KubeletSocket,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = plugin.NewRegistrationClient(connection).Register(within,
		&plugin.RegisterRequest{Version: plugin.Version, Endpoint: endpoint, ResourceName: resource})
	if err != nil {
		log.Fatal(err)
	}
}
