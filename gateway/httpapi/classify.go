// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Classifier says what a use of AI is under the law before anybody uses it. The
// answer is encoded as it is.
type Classifier interface {
	Classify(ctx context.Context, caller gateway.Caller, p Plan) (any, error)
}

// Plan is a use of AI that somebody considers.
type Plan struct {
	Purpose   gateway.Purpose
	Service   gateway.ServiceID
	Channel   gateway.Channel
	DataClass []gateway.DataClass
	Date      time.Time
}

// classify is POST /api/v1/classifications. Nothing is sent anywhere, nobody is
// admitted by it, and therefore nothing is recorded.
func (s *Server) classify(c *gin.Context) {
	if s.Classifier == nil {
		s.absent(c)
		return
	}
	p, err := s.readPlan(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	answer, err := s.Classifier.Classify(ctx, callOf(ctx).caller, p)
	if err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
}

func (s *Server) readPlan(c *gin.Context) (Plan, error) {
	o, err := s.readObject(c, "purpose", "service", "channel", "data_class", "date")
	if err != nil {
		return Plan{}, err
	}
	purpose, err1 := o.required("purpose", 100)
	service, err2 := o.text("service", 100)
	channel, err3 := o.text("channel", 20)
	names, err4 := o.texts("data_class", len(knownClasses))
	date, err5 := o.date("date")
	if err := firstError(err1, err2, err3, err4, err5); err != nil {
		return Plan{}, err
	}
	classes, err := dataClasses(names, "data_class")
	if err != nil {
		return Plan{}, err
	}
	switch gateway.Channel(channel) {
	case "", gateway.ChannelCaseworker, gateway.ChannelCitizen, gateway.ChannelSystem:
	default:
		return Plan{}, invalid("channel", "Erwartet wird caseworker, citizen oder system.")
	}
	return Plan{Purpose: gateway.Purpose(purpose), Service: gateway.ServiceID(service), Channel: gateway.Channel(channel), DataClass: classes, Date: date}, nil
}
